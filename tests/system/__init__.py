"""Tests that need more of the system than Python: shells, curl, man. `.ci/run` installs it."""

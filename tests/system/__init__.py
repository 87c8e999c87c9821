"""Tests that need more than Python: shells, curl, man and a browser, which `.ci/run` installs."""

"""Tests that need more than Python: shells, curl and man, which `.ci/run` installs."""

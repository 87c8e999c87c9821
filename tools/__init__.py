"""Generators: completions, man pages, README topics and packages."""

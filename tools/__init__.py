"""Generators: completions, man pages, documentation and packages."""

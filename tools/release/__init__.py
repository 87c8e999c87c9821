"""Build everything that is published, from declared parts: `python -m tools.release`."""

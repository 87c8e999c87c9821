"""A row of cells becomes a call."""

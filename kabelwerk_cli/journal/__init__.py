"""What became of each row, on disk."""

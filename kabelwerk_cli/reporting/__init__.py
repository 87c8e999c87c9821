"""What people, scripts and CI are told about the rows of a run."""

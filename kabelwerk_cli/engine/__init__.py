"""Many calls side by side, in order for each target, none lost."""

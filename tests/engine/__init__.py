"""The engine: many calls side by side."""

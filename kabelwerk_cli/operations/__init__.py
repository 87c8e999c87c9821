"""The reference's calls as values, and the records that they return."""

"""Rows of Excel and OpenDocument workbooks, with what is known of each cell."""

"""The rows of a file in any format; knows no command."""

"""Command-line administration tool for Kabelwerk, a chat service for digital health."""

__version__ = "0.2.0"

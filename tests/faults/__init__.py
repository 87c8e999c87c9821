"""The product against the misbehaving server."""

"""Tests of the product against the misbehaving server."""

"""One attempt: address, token, connection, and why it failed."""

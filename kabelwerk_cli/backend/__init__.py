"""What a command does with a backend: open it, preview a call, check it, log in to it."""

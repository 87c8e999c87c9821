"""What all commands are made of: the root, options, help, completion, hints for mistakes."""

"""The command line as people and scripts see it: options, streams, signals, exit codes, help."""

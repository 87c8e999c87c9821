"""Batches: a file's rows as calls, each of them accounted for.

`files` reads rows in any format, `rows` turns them into calls through a command's own options,
`journal` remembers on disk what became of each, `runner` sends them side by side, and `run` ties
these together for one command. `progress` shows how far it is, `telling` reports what became of
the rows, and `conclusion` how the run ended and what to do next.
"""

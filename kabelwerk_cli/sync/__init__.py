"""Syncs: a file is the truth, and only what differs from what was last acknowledged is sent.

`rows` reads a file in which an empty cell is a value too, `state` remembers what the server
acknowledged, `comparing` and `plan` find out what differs, `guards` refuse a plan that looks like a
mistake, `tasks` sends it through the runner of batches, and `run` ties these together for one
command.
"""

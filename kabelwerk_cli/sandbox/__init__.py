"""A Kabelwerk backend on this machine, with a SQLite database.

It implements the wire protocol, and shares no code with the client in this package, so that tests
can check one against the other.

`app` is the HTTP API (falcon), `validation` checks its input, `store` keeps users, rooms and
messages in the tables of `database`, `tables` reads their rows, and `markup` converts text to HTML.
`server` serves the app on a loopback address (waitress) behind `guard`, which refuses requests of
foreign web pages, and `faults` draws what goes wrong there on purpose. `adapter` calls the app in
this process. `recorder` keeps the latest requests, without the token because of `masking`.
"""

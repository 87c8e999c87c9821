"""A Kabelwerk backend on your own machine, over a real SQLite database.

It speaks the wire protocol and knows nothing of the client in this package, so that it is an
independent witness of what travels.

`store` keeps users, rooms and messages; `markup` turns a text into HTML; `app` is the HTTP API
(falcon); `server` serves it on loopback (waitress); `adapter` calls it inside this process.
"""

"""A small model of the Kabelwerk API, to check what really happened on the server.

It follows the wire protocol and shares no code with the product or its sandbox: a mistake made in
one of them is not repeated here.
"""

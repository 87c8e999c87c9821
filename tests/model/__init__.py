"""A tiny model of the Kabelwerk API, so that a test can ask what really happened.

It follows the wire protocol and shares no code with the product or its sandbox: a mistake made in
one of them is not repeated here.
"""

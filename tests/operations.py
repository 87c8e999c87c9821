"""The five commands, as the command line of each call of the misbehaving server's model."""

from .faultserver.calls import TEXT

COMMANDS = {
    "create": ("users", "create", "--key", "motoko", "--name", "Motoko"),
    "update": ("users", "update", "--key", "kusanagi", "--name", "Motoko Kusanagi"),
    "delete": ("users", "delete", "--key", "kusanagi", "--yes"),
    "room": ("rooms", "update", "--room", "kusanagi", "--archived"),
    "message": ("messages", "post", "--room", "kusanagi", "--user", "batou", "--text", TEXT),
}

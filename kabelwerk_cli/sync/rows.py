"""Rows of a synced file, in which an empty cell is a value."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import click

from kabelwerk_cli.batch.columns import IDENTITY, Convert
from kabelwerk_cli.batch.files import Raw
from kabelwerk_cli.batch.rows import DIGEST_SIZE, BadRow, Parsed, RowReader
from kabelwerk_cli.terminal.options import ColumnOption


class TruthReader(RowReader):
    """Reads rows in which an empty cell is a value, unlike in a batch, where it means "not given".

    Args:
        command: the command whose options are the columns.
        params: the values for every row.
        explicit: the options that were given on the command line, by the names of their params.
        blanks: the value of an empty cell, by column; in other columns, it is invalid.
        options: those of a `RowReader`.
    """

    def __init__(
        self,
        command: click.Command,
        params: Mapping[str, Any],
        explicit: Mapping[str, str],
        *,
        blanks: Mapping[str, Any],
        **options: Any,
    ) -> None:
        self._blanks = blanks
        super().__init__(command, params, explicit, settable=False, **options)
        self.values = tuple(sorted({param.name or "" for param in command.params} - IDENTITY))
        """The columns whose values are synced."""

    def parse(self, raw: Raw) -> Parsed | BadRow:
        """Return the arguments in the cells of a row; null in JSON is the same as an empty cell."""
        if None in raw.cells:
            raw = raw._replace(cells=["" if cell is None else cell for cell in raw.cells])
        return super().parse(raw)

    def _converter(self, option: ColumnOption) -> Convert:
        convert, name = super()._converter(option), option.name or ""

        def converted(cell: Any) -> Any:
            if cell != "":
                return convert(cell)
            if name not in self._blanks:
                raise ValueError("must not be empty")
            return self._blanks[name]

        return converted


class Digests:
    """Keyed digests of keys and values, which reveal nothing without the secret.

    Args:
        secret: the key.
    """

    def __init__(self, secret: str) -> None:
        self._hash = hashlib.blake2b(key=secret.encode(), digest_size=DIGEST_SIZE)

    def of_key(self, hub: str, key: str) -> bytes:
        """Return the digest of a user's key, or of a room's hub and key."""
        return self._digest(f"{hub}\0{key}")

    def of_values(self, row: Parsed, columns: Collection[str]) -> str:
        """Return the digests of a row's values by column, as they are stored in a state."""
        arguments = row.arguments
        return " ".join(
            f"{name}={self._digest(f'{name} {arguments[name]!a}').hex()}"
            for name in columns
            if arguments[name] is not None
        )

    def _digest(self, text: str) -> bytes:
        digest = self._hash.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()

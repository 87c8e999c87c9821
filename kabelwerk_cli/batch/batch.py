"""A command whose call is sent for each row of a file."""

from typing import NamedTuple

from kabelwerk_cli.config.settings import OUTPUT
from kabelwerk_cli.engine.options import BatchOptions
from kabelwerk_cli.output import Format
from kabelwerk_cli.rows.reader import RowReader
from kabelwerk_cli.terminal.session import Session


class Batch(NamedTuple):
    """A command whose call is sent for each row of a file."""

    name: str
    """The command's path, such as `users create`."""
    line: tuple[str, ...]
    """The words of the command line, without the program."""
    file: str
    reader: RowReader
    record: type
    """The type of the record that a row's call returns."""
    destructive: bool
    """Whether to ask before sending."""
    repeatable: bool
    """Whether sending a call twice has the same effect as sending it once."""
    options: BatchOptions
    session: Session

    @property
    def output(self) -> Format:
        """The format of the records."""
        return self.session.settings[OUTPUT]

    @property
    def tell_all(self) -> bool:
        """Whether to report rows that need nothing, too."""
        shown = self.output is not Format.TABLE and not self.session.console.is_quiet
        return shown or self.options.report is not None

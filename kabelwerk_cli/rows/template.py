"""Texts with placeholders, such as `Dear {{name}}`, to be filled in from the columns of a row."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

_PLACEHOLDER = r"\{\{([^{}|]*)(?:\|([^{}]*))?\}\}"


class Placeholder(NamedTuple):
    """A place for the value of a column."""

    name: str
    """The column."""
    default: str | None
    """What to use for an empty cell; None if a value is required."""

    def __str__(self) -> str:
        return f"{{{{{self.name}}}}}"


class Template(NamedTuple):
    """A text with placeholders."""

    parts: tuple[str | Placeholder, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that the placeholders name, in order."""
        return tuple(part.name for part in self.parts if isinstance(part, Placeholder))

    def renamed(self, rename: Callable[[str], str]) -> "Template":
        """Return the template with other names for its columns."""
        return Template(
            tuple(
                part if isinstance(part, str) else part._replace(name=rename(part.name))
                for part in self.parts
            )
        )

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the text for one row. Values are inserted as they are, never as templates.

        Args:
            values: the row's cells, by the names of their columns.

        Raises:
            ValueError: a placeholder has neither a value nor a default.
        """
        return "".join(
            part if isinstance(part, str) else _value(part, values.get(part.name))
            for part in self.parts
        )


def parse_template(text: str) -> Template:
    """Return a text as a template.

    Args:
        text: the text, with placeholders such as `{{name}}` or `{{name|default}}`.

    Raises:
        ValueError: a placeholder is not closed or has no name, or there is none.
    """
    if "{{{" in text or "}}}" in text:
        raise ValueError("there are three braces in a row; a placeholder looks like {{name}}")
    parts: list[str | Placeholder] = []
    end = 0
    for match in re.finditer(_PLACEHOLDER, text):
        parts += [text[end : match.start()], _placeholder(match)]
        end = match.end()
    parts.append(text[end:])
    for part in parts:
        if isinstance(part, str) and ("{{" in part or "}}" in part):
            raise ValueError("'{{' and '}}' do not match; a placeholder looks like {{name}}")
    if len(parts) == 1:
        raise ValueError("there is no placeholder such as {{name}}; use --text for a fixed text")
    return Template(tuple(part for part in parts if part))


def _placeholder(match: re.Match[str]) -> Placeholder:
    name = match[1].strip()
    if not name:
        raise ValueError("a placeholder has no name; it looks like {{name}}")
    return Placeholder(name, None if match[2] is None else match[2].strip())


def _value(placeholder: Placeholder, cell: Any) -> str:
    if isinstance(cell, (list, dict)):
        raise ValueError(f"'{placeholder.name}' must be text to fill in {placeholder}")  # noqa: TRY004
    text = _text(cell)
    if text.strip():
        return text
    if placeholder.default is None:
        raise ValueError(
            f"column '{placeholder.name}' is empty; use {{{{{placeholder.name}|TEXT}}}} to set a "
            "default"
        )
    return placeholder.default


def _text(cell: Any) -> str:
    if cell is None or isinstance(cell, str):
        return cell or ""
    import json

    return json.dumps(cell)  # a number or a boolean

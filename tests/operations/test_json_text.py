"""JSON that every parser reads the same way, and what is refused."""

import pytest

from kabelwerk_cli.operations.json_text import NotJson, read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "b": {"a": 2}}', {"a": 1, "b": {"a": 2}}),
        (' [1.5, -0.0, 1e308, "1e999", null] ', [1.5, -0.0, 1e308, "1e999", None]),
        ("1e-999", 0.0),
        ('"\\ud800"', "\ud800"),
        ("[" * 100 + "]" * 100, None),
    ],
)
def test_what_is_read(text, value):
    assert value is None or read_json(text) == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"not valid JSON \(line 1, column 1\)"),
        ('{"a": 1\n"b": 2}', r"line 2, column 1"),
        ("NaN", "NaN, which is not valid JSON"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e999}', "too large"),
        ("-1e400", "too large"),
        ("9" * 5000, "too large"),
        ('{"x": 1, "x": 2}', "a name appears twice"),
        ('[{"y": {"x": 1, "x": 1}}]', "a name appears twice"),
        ('{"x": 1, "\\u0078": 2}', "a name appears twice"),
        ("[" * 102 + "]" * 102, "deeper than 100 levels"),
        ("[" * 100_000 + "]" * 100_000, "deeper than 100 levels"),
    ],
)
def test_what_is_refused(text, complaint):
    with pytest.raises(NotJson, match=complaint) as caught:
        read_json(text)
    assert caught.value.name == ("x" if "twice" in complaint else "")

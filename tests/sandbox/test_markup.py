"""How a message's text becomes HTML, with nothing unsafe in it."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kabelwerk_cli.sandbox.markup import escape, to_html

EXAMPLES = {
    "Hello": "<p>Hello</p>",
    "a\nb": "<p>a<br>b</p>",
    "a\n\nb": "<p>a</p><p>b</p>",
    "a\n \n\n b": "<p>a</p><p>b</p>",
    "a\r\n\r\nb\r\nc": "<p>a</p><p>b<br>c</p>",
    "*a* _b_ **c** __d__": "<p><em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong></p>",
    "**a *b* c**": "<p><strong>a <em>b</em> c</strong></p>",
    "*a **b*": "<p><em>a **b</em></p>",
    "2 * 3 * 4": "<p>2 * 3 * 4</p>",
    "snake_case_name": "<p>snake_case_name</p>",
    "*a": "<p>*a</p>",
    "a*": "<p>a*</p>",
    "[here](https://kabelwerk.example/a?b=1&c=2)": (
        '<p><a href="https://kabelwerk.example/a?b=1&amp;c=2">here</a></p>'
    ),
    "see https://kabelwerk.example/x_y_z.": (
        '<p>see <a href="https://kabelwerk.example/x_y_z">https://kabelwerk.example/x_y_z</a>.</p>'
    ),
    "[x](javascript:alert(1))": "<p>[x](javascript:alert(1))</p>",
    '[<b>"](https://a.example)': '<p><a href="https://a.example">&lt;b&gt;&quot;</a></p>',
    "<script>alert('&')</script>": "<p>&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;</p>",
}


@pytest.mark.parametrize(("text", "html"), EXAMPLES.items())
def test_examples(text: str, html: str) -> None:
    assert to_html(text) == html


def test_escaping() -> None:
    assert escape('<a href="x">\'&') == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;"


ELEMENT = re.compile(r'</?(?:p|em|strong)>|<br>|<a href="https?://[^"<>]*">|</a>')
PIECES = st.sampled_from(
    [
        "*",
        "**",
        "_",
        "__",
        "[",
        "](",
        ")",
        "https://a",
        "http://",
        " ",
        "\n",
        "<",
        ">",
        '"',
        "'",
        "a",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.text())
def test_no_element_but_those_of_the_markup(text: str) -> None:
    html = to_html(text)
    assert not set("<>") & set(ELEMENT.sub("", html))
    for tag in ("p", "em", "strong", "a"):
        assert html.count(f"<{tag}>") + html.count(f"<{tag} ") == html.count(f"</{tag}>")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("unit", ["*", "_", "[", "*a", "[a](", "https://", "\n", "**_", "[]("])
def test_long_texts_take_no_longer_than_their_length(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        started = time.process_time()
        to_html(text)
        return time.process_time() - started

    seconds(10_000)
    small = max(min(seconds(20_000) for _ in range(2)), 1e-4)
    # eight times the length; a quadratic algorithm would take 64 times as long
    assert min(seconds(160_000) for _ in range(2)) < 30 * small

"""What a server repeats never shows the token, and is of a bounded length."""

import json

import pytest

from kabelwerk_cli import errors
from kabelwerk_cli.delivery.redaction import Redaction
from kabelwerk_cli.delivery.sender import Limits, Sender
from kabelwerk_cli.network.wire import Answer
from kabelwerk_cli.operations import calls
from kabelwerk_cli.words import shorten, with_stop

TOKEN = "s3cret+token/with=signs&more"
FORMS = [
    TOKEN,
    "s3cret%2Btoken%2Fwith%3Dsigns%26more",
    "s3cret%2Btoken/with%3Dsigns%26more",
    "s3cret+token/with=signs&amp;more",
]
USER = {"id": 42, "key": "kusanagi", "name": "Motoko"}
BATOU = {"id": 43, "key": "batou", "name": f"Batou {TOKEN}"}
ROOM = {
    "id": 1,
    "archived": True,
    "attributes": {TOKEN: [{"a": TOKEN}, TOKEN], "b": {f"x{TOKEN}y": 1}},
    "hub_user": BATOU,
    "user": {**USER, "name": TOKEN},
}
MESSAGE = {
    "id": 7,
    "html": f"<p>{TOKEN}</p>",
    "inserted_at": TOKEN,
    "room_id": 1,
    "text": f"? {TOKEN}",
    "type": TOKEN,
    "updated_at": "2024-01-02T03:04:05Z",
    "user": BATOU,
}


def escaped(text):
    """JSON whose every letter is an escape, so that no search in the raw bytes finds it."""
    return "".join(f"\\u{ord(c):04x}" if c.isalnum() else c for c in text)


def send(call, answer, token=TOKEN):
    """Return what the caller and the observers get to see, as text."""
    seen = []

    class Fixed:
        def carry(self, request, attempt):  # noqa: ARG002
            attempt.sent = True
            return answer

        def close(self):
            pass

    sender = Sender(Fixed(), token=token, limits=Limits(retries=0), observe=seen.append)
    try:
        end = sender.send(call)
    except errors.KabelwerkError as error:
        end = (str(error), getattr(error, "fields", None))
    return end, f"{end!r} {[(each.verdict, each.answer) for each in seen]!r}"


ARCHIVE = calls.update_room(room="kusanagi", archived=True)
POST = calls.post_message(room="kusanagi", user="batou", text=f"? {TOKEN}")


@pytest.mark.parametrize(("call", "body"), [(ARCHIVE, ROOM), (POST, MESSAGE)])
@pytest.mark.parametrize("spell", [str, escaped])
def test_a_record_does_not_show_the_token(call, body, spell):
    content = json.dumps(body)
    if spell is escaped:
        content = content.replace(TOKEN, escaped(TOKEN))
    end, shown = send(call, Answer(200, "OK", {}, content.encode()))
    assert end.effect == call.effect  # what the server repeats is still what was asked for
    assert TOKEN not in shown
    assert escaped(TOKEN) not in shown
    assert "[token]" in shown


def test_attributes_keep_their_shape():
    end, _ = send(ARCHIVE, Answer(200, "OK", {}, json.dumps(ROOM).encode()))
    assert end.record.attributes == {
        "[token]": [{"a": "[token]"}, "[token]"],
        "b": {"x[token]y": 1},
    }


@pytest.mark.parametrize("form", FORMS)
def test_an_error_does_not_show_the_token_in_any_spelling(form):
    errors_ = {"errors": {form: [form], "attributes": {form: [form * 100]}}}
    for answer in (
        Answer(302, form, {"location": f"https://x.example/{'a' * 260}?t={form}"}, b""),
        Answer(400, form, {}, json.dumps(errors_).encode()),
        Answer(402, form, {}, json.dumps(errors_).encode()),
        Answer(200, form, {}, json.dumps({**ROOM, **errors_}).encode()),
        Answer(200, form, {"content-encoding": form}, form.encode()),
        Answer(200, "OK", {}, f'{{"{form}": 1, "{form}": 2}}'.encode()),
        Answer(503, form, {}, form.encode()),
    ):
        _, shown = send(ARCHIVE, answer)
        assert form not in shown
        assert form[:20] not in shown  # nor a part of it, where a text was cut


QUOTED = """it's<"s3cret">"""


@pytest.mark.parametrize(
    "form",
    [
        QUOTED,
        "it&#39;s&lt;&quot;s3cret&quot;&gt;",
        "it&#x27;s&lt;&quot;s3cret&quot;&gt;",
        'it\'s&lt;"s3cret"&gt;',
    ],
)
def test_a_token_with_quotes_is_found_in_html(form):
    content = json.dumps({**MESSAGE, "html": f"<p>{form}</p>", "text": "?"}).encode()
    post = calls.post_message(room="kusanagi", user="batou", text="?")
    end, shown = send(post, Answer(200, "OK", {}, content), token=QUOTED)
    assert end.record.html == "<p>[token]</p>"
    assert "s3cret" not in shown.replace(TOKEN, "")


def test_a_short_token_is_no_secret():
    end, _ = send(calls.update_user(key="kusanagi", name="Motoko"), answer_of(USER), token="Mo")
    assert end.record.name == "Motoko"


def answer_of(body):
    return Answer(200, "OK", {}, json.dumps(body).encode())


def test_other_values_stay_as_they_are():
    given = {"a": [1, 1.5, None, True, {}], "b": "text"}
    assert Redaction(TOKEN)(given) == given


def test_a_body_that_is_not_json_may_have_escapes_too():
    body = f"<script>var t = '{escaped(TOKEN)}'</script>".encode()
    assert Redaction(TOKEN).of_body(body) == "<script>var t = '[token]'</script>"
    other = f"<script>var t = '{escaped('other')}'</script>"
    assert Redaction(TOKEN).of_body(other.encode()) == other


def test_a_body_that_is_not_json_is_redacted_as_text():
    assert Redaction(TOKEN).of_body(f"\\ {TOKEN} \xff".encode("latin-1")) == "\\ [token] \\xff"


@pytest.mark.parametrize(
    ("text", "cut"), [("abc", "abc"), ("abcd", "abcd"), ("abcde", "abc…"), ("", "")]
)
def test_a_long_text_is_cut(text, cut):
    assert shorten(text, 4) == cut


@pytest.mark.parametrize(
    ("text", "said"),
    [("no", "no."), ("no.", "no."), ("no!", "no!"), ("no \n", "no."), ("n…", "n…")],
)
def test_a_sentence_has_one_mark_at_its_end(text, said):
    assert with_stop(text) == said

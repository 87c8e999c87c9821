"""When a call is repeated and what is reported: operation x fault, without a network."""

import itertools
import json

import pytest

from kabelwerk_cli import __version__, errors
from kabelwerk_cli.delivery.sender import Limits, Sender, Tools
from kabelwerk_cli.errors import Applied
from kabelwerk_cli.network.wire import Answer, Failure
from kabelwerk_cli.operations import calls
from tests import operations
from tests.model.model import Model

# Each call of the table, and what an honest server answers.
BUILT = {name: call.build() for name, call in operations.CALLS.items()}
CALLS = list(BUILT.values())
REPEATABLE = [call for call in CALLS if call.repeatable]
CREATE, UPDATE, DELETE, POST = (BUILT[name] for name in ("create", "update", "delete", "message"))


def honest(call):
    status, _, body = Model().handle(call.method, call.target, call.body)
    return Answer(status, "", {}, body)


DONE = {call.function: honest(call) for call in operations.CALLS.values()}

USER = b'{"id": 42, "key": "kusanagi", "name": "Motoko"}'
NOT_SENT = "not sent"
LOST = "lost"
INTERRUPT = "interrupt"
TAKEN = Answer(400, "Bad Request", {}, b'{"errors": {"key": ["has already been taken"]}}')


def status(code, **headers):
    return Answer(code, "", {k.replace("_", "-"): v for k, v in headers.items()}, b"")


class Script:
    """A transport that plays a list of events, the last one forever."""

    def __init__(self, events):
        self.events = list(events)
        self.requests = []

    def carry(self, request, attempt):
        event = self.events[min(len(self.requests), len(self.events) - 1)]
        self.requests.append(request)
        if event == NOT_SENT:
            raise Failure("connection refused")
        attempt.sent = True
        if event == LOST:
            raise Failure("connection reset by peer")
        if event == INTERRUPT:
            raise KeyboardInterrupt
        return event

    def close(self):
        pass


class World:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.time = 0.0
        self.pauses = []
        ids = itertools.count(1)
        self.tools = Tools(
            clock=lambda: self.time,
            now=lambda: 1e9,
            sleep=self.sleep,
            random=lambda: 1.0,
            new_request_id=lambda: f"request-{next(ids)}",
        )

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.time += seconds


def send(call, *events, token="", world=None, observe=lambda _: None, **limits):
    transport = Script(events)
    world = world or World()
    sender = Sender(
        transport,
        token=token,
        limits=Limits(**limits),
        observe=observe,
        tools=world.tools,
    )
    try:
        return sender.send(call), transport
    except (errors.KabelwerkError, KeyboardInterrupt) as error:
        return error, transport


@pytest.mark.parametrize("call", CALLS)
def test_a_plain_success_takes_one_request(call):
    outcome, transport = send(call, DONE[call.name])
    assert outcome.report == errors.Report(
        Applied.YES, call.repeatable, DONE[call.name].status, 1, "request-1"
    )
    assert len(transport.requests) == 1


REPEATED = [
    (call, event)
    for call in CALLS
    for event in (NOT_SENT, LOST, status(429), status(408), status(500), status(503), status(202))
    if call.repeatable or event in (NOT_SENT, status(429))
]


@pytest.mark.parametrize(("call", "event"), REPEATED)
def test_what_is_repeated_ends_well(call, event):
    outcome, transport = send(call, event, event, DONE[call.name])
    assert outcome.report.attempts == len(transport.requests) == 3


@pytest.mark.parametrize(("call", "event"), REPEATED)
def test_three_attempts_are_all(call, event):
    error, transport = send(call, event)
    assert error.report.attempts == len(transport.requests) == 3


@pytest.mark.parametrize(("call", "event"), REPEATED)
def test_without_retries_one_attempt_is_all(call, event):
    error, transport = send(call, event, retries=0)
    assert error.report.attempts == len(transport.requests) == 1


ENDS = [
    *itertools.product(
        CALLS,
        [
            (status(c), e)
            for c, e in (
                (302, errors.ServerError),
                (400, errors.ValidationError),
                (401, errors.AuthenticationError),
                (404, errors.DoesNotExist),
                (405, errors.ServerError),
            )
        ],
    ),
    (CREATE, (status(204), errors.ServerError)),
    (POST, (LOST, errors.OutcomeUnknown)),
    (POST, (status(408), errors.ServerError)),
    (POST, (status(500), errors.ServerError)),
    (POST, (status(202), errors.ServerError)),
    (POST, (Answer(201, "", {}, b"<html>"), errors.ServerError)),
]


@pytest.mark.parametrize(("call", "end"), ENDS)
def test_what_is_not_repeated(call, end):
    event, kind = end
    error, transport = send(call, event)
    assert type(error) is kind
    assert len(transport.requests) == 1


def test_an_untrusted_certificate_is_not_asked_twice():
    class Untrusted:
        requests = 0

        def carry(self, request, attempt):  # noqa: ARG002
            self.requests += 1
            raise Failure("not trusted", errors.UntrustedCertificate)

    transport = Untrusted()
    sender = Sender(transport, token="", tools=World().tools)
    with pytest.raises(errors.UntrustedCertificate):
        sender.send(CREATE)
    assert transport.requests == 1


REFUSALS = [NOT_SENT, status(302), status(401), status(403), status(404), status(422), status(429)]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("doubt", [LOST, status(500)])
@pytest.mark.parametrize("call", REPEATABLE)
def test_once_unknown_never_not_applied(call, doubt, refusal):
    end, _ = send(call, doubt, refusal)
    if call is DELETE and refusal == status(404):
        assert end.record is None
        assert end.notes == ("User 'kusanagi' is gone; the answer to an earlier attempt was lost.",)
    else:
        assert type(end) is errors.OutcomeUnknown
        assert end.report.applied is Applied.UNKNOWN
        assert ": first " in str(end)
        assert "then" in str(end)


def test_a_create_that_was_lost_and_then_rejected_names_the_first_try():
    error, _ = send(CREATE, LOST, TAKEN)
    assert type(error) is errors.OutcomeUnknown
    assert "The user exists now, possibly created by an earlier attempt." in str(error)
    assert "key has already been taken" in str(error)


def test_a_rejected_create_alone_is_a_validation_error():
    error, _ = send(CREATE, NOT_SENT, TAKEN)
    assert type(error) is errors.ValidationError
    assert (error.field, error.error_message) == ("key", "has already been taken")
    assert error.report.applied is Applied.NO


def test_an_unknown_message_says_where_to_look():
    error, _ = send(POST, LOST)
    assert "may have been posted" in str(error)
    assert "'kusanagi'" in str(error)
    assert "request-1" in str(error)
    assert "Check the room before you post it again." in str(error)
    assert not error.report.safe_to_rerun


def contradicted(call):
    """The honest answer with one requested value changed; with errors if it has no body."""
    honest = DONE[call.name]
    if not honest.body:
        return Answer(200, "OK", {}, b'{"errors": {"key": ["cannot be deleted"]}}')
    record = json.loads(honest.body)
    if "archived" in (call.body or {}):
        record["archived"] = not record["archived"]
    elif name := next((name for name in ("name", "text") if name in record), None):
        record[name] = "another"
    else:
        record["user"]["key"] = "another"
    return honest._replace(body=json.dumps(record).encode())


@pytest.mark.parametrize("call", CALLS)
def test_a_contradiction_is_in_doubt_and_not_repeated(call):
    error, transport = send(call, contradicted(call))
    assert type(error) is errors.ServerError
    assert error.report.applied is Applied.UNKNOWN
    assert error.report.safe_to_rerun is call.repeatable
    assert len(transport.requests) == 1
    assert f"may have been {call.effect}" in str(error)
    assert "request-1" in str(error)


def test_a_key_in_another_case_is_another_key():
    error, _ = send(UPDATE, Answer(200, "OK", {}, USER.replace(b"kusanagi", b"Kusanagi")))
    assert error.report.applied is Applied.UNKNOWN


def test_the_errors_of_a_success_are_told():
    error, _ = send(DELETE, contradicted(DELETE))
    told = "200 OK, but its body contains errors (request request-1). key cannot be deleted."
    assert told in str(error)


def test_ensure_ends_where_an_answer_contradicts():
    error, transport = send(ENSURE, ABSENT, contradicted(CREATE))
    assert error.report.applied is Applied.UNKNOWN
    assert len(transport.requests) == 2


def test_pauses_double_and_are_told():
    world, seen = World(), []
    send(UPDATE, status(503), world=world, observe=seen.append)
    assert world.pauses == [0.5, 1.0]
    assert [(each.number, each.pause) for each in seen] == [(1, 0.5), (2, 1.0), (3, None)]


def test_a_retry_after_is_obeyed():
    world = World()
    outcome, _ = send(POST, status(429, retry_after="7"), DONE[POST.name], world=world)
    assert world.pauses == [7.0]
    assert outcome.record.text == "Where are you?"


def test_a_retry_after_that_does_not_fit_ends_at_once():
    error, transport = send(POST, status(429, retry_after="3600"))
    assert type(error) is errors.RateLimited
    assert len(transport.requests) == 1
    assert "3600 seconds" in str(error)


def test_the_time_of_the_whole_call_is_limited():
    error, transport = send(UPDATE, NOT_SENT, retries=1000, max_time=30.0)
    assert type(error) is errors.ConnectionError
    assert len(transport.requests) == 7  # 0.5 + 1 + 2 + 4 + 8 + 8 < 30


INTERRUPTIONS = [
    ((INTERRUPT,), Applied.UNKNOWN, "may have been posted"),
    ((NOT_SENT, INTERRUPT), Applied.UNKNOWN, "may have been posted"),
]


@pytest.mark.parametrize(("events", "applied", "text"), INTERRUPTIONS)
def test_an_interrupt_on_the_way(events, applied, text):
    stop, _ = send(POST, *events)
    assert type(stop) is KeyboardInterrupt
    assert stop.report.applied is applied
    assert text in stop.__notes__[0]


@pytest.mark.parametrize(
    ("call", "event", "applied"),
    [
        (POST, NOT_SENT, Applied.NO),
        (POST, status(429), Applied.NO),
        (UPDATE, LOST, Applied.UNKNOWN),
    ],
)
def test_an_interrupt_between_attempts(call, event, applied):
    world = World()

    def interrupted_sleep(_):
        raise KeyboardInterrupt

    world.tools = world.tools._replace(sleep=interrupted_sleep)
    stop, _ = send(call, event, world=world)
    assert type(stop) is KeyboardInterrupt
    assert stop.report.applied is applied


def test_headers_and_fresh_connections():
    _, transport = send(UPDATE, status(503), DONE[UPDATE.name], token="secret")
    first, second = transport.requests
    assert first.headers == {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Kabelwerk-Token": "secret",
        "User-Agent": f"kabelwerk-cli/{__version__}",
        "X-Request-Id": "request-1",
    }
    assert second.headers["X-Request-Id"] == "request-2"
    assert not first.fresh
    _, transport = send(POST, DONE[POST.name])
    assert transport.requests[0].fresh


def test_a_token_that_the_server_repeats_is_not_repeated_again():
    echo = Answer(302, "Token s3cret-token", {"location": "http://x/?s3cret-token"}, b"")
    error, _ = send(UPDATE, echo, token="s3cret-token")
    assert "s3cret-token" not in str(error)
    rejection = Answer(400, "", {}, b'{"errors": {"s3cret-token": ["s3cret-token is bad"]}}')
    error, _ = send(UPDATE, rejection, token="s3cret-token")
    assert "s3cret-token" not in str(error)
    assert "s3cret-token" not in str(error.fields)


ENSURE = calls.ensure_user(key="kusanagi", name="Motoko")
CREATED, UPDATED = Answer(201, "", {}, USER), Answer(200, "", {}, USER)
ABSENT = status(404)
ENSURED = [
    ("updated", 1, [UPDATED]),
    ("created", 2, [ABSENT, CREATED]),
    # someone else created the user first
    ("updated", 3, [ABSENT, TAKEN, UPDATED]),
    # our first attempt created the user, or someone else did
    ("created", 4, [ABSENT, LOST, TAKEN, UPDATED]),
    ("created", 5, [ABSENT, LOST, LOST, LOST, UPDATED]),
    # an update that was lost and then finds no user has changed nothing
    ("created", 3, [LOST, ABSENT, CREATED]),
    ("updated", 3, [LOST, NOT_SENT, UPDATED]),
]


@pytest.mark.parametrize(("how", "requests", "events"), ENSURED)
def test_ensure_resolves_every_doubt(how, requests, events):
    outcome, transport = send(ENSURE, *events)
    assert outcome.record == (42, "kusanagi", "Motoko", how)
    assert outcome.unused == ""
    assert len(transport.requests) == requests
    in_hub, _ = send(calls.ensure_user(key="kusanagi", name="Motoko", hub="section9"), *events)
    assert in_hub.unused == ("hub" if how == "updated" else "")


@pytest.mark.parametrize(
    ("how", "requests", "events"),
    [
        ("updated", 2, [TAKEN, UPDATED]),
        # the user may have been there before all attempts
        ("updated", 3, [LOST, TAKEN, UPDATED]),
        ("created", 2, [LOST, CREATED]),
    ],
)
def test_a_creation_that_becomes_an_update_claims_no_more(how, requests, events):
    outcome, transport = send(ENSURE.swapped(), *events)
    assert (outcome.effect, len(transport.requests)) == (how, requests)


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        (errors.AuthenticationError, [status(401)]),
        (errors.AuthenticationError, [ABSENT, status(401)]),
        (errors.ValidationError, [ABSENT, TAKEN, ABSENT]),
        (errors.OutcomeUnknown, [ABSENT, LOST]),
        (errors.ConnectionError, [NOT_SENT]),
        (errors.ServerError, [ABSENT, status(204)]),
        # its calls are one history: a doubt about any of them is a doubt about the whole
        (errors.OutcomeUnknown, [ABSENT, TAKEN, LOST]),
        (errors.OutcomeUnknown, [LOST, ABSENT, status(401)]),
        (errors.OutcomeUnknown, [LOST, ABSENT, NOT_SENT]),
        (errors.AuthenticationError, [ABSENT, TAKEN, status(401)]),
    ],
)
def test_ensure_gives_up_honestly(kind, events):
    error, _ = send(ENSURE, *events)
    assert type(error) is kind


@pytest.mark.parametrize(
    ("events", "pauses"),
    [
        ([ABSENT, TAKEN, INTERRUPT], 0),
        ([LOST, ABSENT, NOT_SENT], 2),
        ([LOST, ABSENT, status(429)], 2),
        ([ABSENT, LOST], 1),
        ([ABSENT, TAKEN, LOST], 1),
    ],
)
def test_an_interrupt_keeps_the_doubts_of_an_ensure(events, pauses):
    """It comes with the last event, or in the last of some pauses."""
    world = World()

    def sleep(seconds):
        world.sleep(seconds)
        if len(world.pauses) == pauses:
            raise KeyboardInterrupt

    world.tools = world.tools._replace(sleep=sleep)
    stop, transport = send(ENSURE, *events, world=world)
    assert type(stop) is KeyboardInterrupt
    assert stop.report.applied is Applied.UNKNOWN
    assert stop.report.attempts == len(transport.requests)


def test_absence_suffices_where_it_is_said_so():
    gone = calls.delete_user(key="kusanagi")._replace(absence_suffices=True)
    outcome, _ = send(gone, ABSENT)
    assert outcome.notes == ("User 'kusanagi' did not exist.",)
    page = Answer(404, "", {}, b"<html>")
    error, _ = send(gone, page)
    assert type(error) is errors.ServerError


REJECTED = Answer(400, "Bad Request", {}, b'{"errors": {"name": ["is odd"]}}')


@pytest.mark.parametrize("event", [REJECTED, status(404), status(503), NOT_SENT, LOST])
def test_the_cause_is_the_same_for_all_subjects(event):
    """So the rows of a batch that fail for the same reason are told once."""
    keys = ("kusanagi", "batou")
    ends = [send(calls.update_user(key=key, name="Motoko"), event)[0] for key in keys]
    assert ends[0].cause == ends[1].cause
    assert all(
        key in str(end) and key not in end.cause for key, end in zip(keys, ends, strict=True)
    )
    assert ends[0].cause.removesuffix(".") in str(ends[0])

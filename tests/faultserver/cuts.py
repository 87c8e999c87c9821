"""Answers that end too early. A cut answer proves nothing, whatever its status says."""

from tests.model.endpoints import NOT_FOUND, Answer

from .fault import RETURNING, Exchange, Fault
from .wire import header_lines, render, status_line

MISSING = 100  # bytes that were announced and do not come
CHUNKED = ("Transfer-Encoding", "chunked")
INVALID = Answer(400, (), b'{"errors": {"name": ["can\'t be blank"]}}')


def with_body(answer: Answer) -> Answer:
    """The answer itself, or for one without a body a 200 with an empty object."""
    return answer if answer.body else Answer(200, body=b"{}")


def chunk(data: bytes, size: bytes | None = None) -> bytes:
    """A chunk, with its own size or with a wrong one."""
    return (size or f"{len(data):x}".encode()) + b"\r\n" + data + b"\r\n"


def cut_status(exchange: Exchange) -> None:
    exchange.wire.send(b"HTTP/1.1 2")


def cut_after_status(exchange: Exchange) -> None:
    """Python's own client takes the end of the connection for the end of the line."""
    exchange.wire.send(status_line(exchange.answer.status).rstrip())


def cut_headers(exchange: Exchange) -> None:
    exchange.wire.send(status_line(exchange.answer.status) + b"Content-Type: applic")


def cut_before_blank_line(exchange: Exchange) -> None:
    """All headers, but nothing says that these were all."""
    exchange.wire.send(render(exchange.answer._replace(body=b"")).removesuffix(b"\r\n"))


def _announce_more(answer: Answer) -> bytes:
    return render(answer, ("Content-Length", str(len(answer.body) + MISSING)))


def cut_body(exchange: Exchange) -> None:
    """The JSON is whole; only its announced length tells that it is not."""
    exchange.wire.send(_announce_more(with_body(exchange.answer)))


def cut_body_at_once(exchange: Exchange) -> None:
    exchange.wire.send(_announce_more(with_body(exchange.answer)._replace(body=b"")))


def reset_within_body(exchange: Exchange) -> None:
    cut_body(exchange)
    exchange.wire.reset()


def cut_unmeasured_body(exchange: Exchange) -> None:
    """No length at all: only the JSON tells that it was cut."""
    answer = with_body(exchange.answer)
    head = status_line(answer.status) + header_lines(answer.headers) + b"Connection: close\r\n\r\n"
    exchange.wire.send(head + answer.body[: len(answer.body) // 2])


def cut_chunk(exchange: Exchange) -> None:
    """The JSON is whole, and the last chunk, which is empty, does not come."""
    answer = with_body(exchange.answer)
    exchange.wire.send(render(answer._replace(body=chunk(answer.body)), CHUNKED))


def cut_within_chunk(exchange: Exchange) -> None:
    answer = with_body(exchange.answer)
    half = chunk(answer.body)[: -len(answer.body) // 2]
    exchange.wire.send(render(answer._replace(body=half), CHUNKED))


def cut_chunk_size(exchange: Exchange) -> None:
    answer = with_body(exchange.answer)
    exchange.wire.send(render(answer._replace(body=chunk(answer.body) + b"1"), CHUNKED))


def cut_rejection(exchange: Exchange) -> None:
    exchange.wire.send(_announce_more(INVALID))


def cut_not_found(exchange: Exchange) -> None:
    exchange.wire.send(_announce_more(NOT_FOUND))


CUT_STATUS = Fault("cut-status-line", cut_status)
CUT_AFTER_STATUS = Fault("cut-after-status", cut_after_status)
CUT_HEADERS = Fault("cut-headers", cut_headers)
CUT_BEFORE_BLANK_LINE = Fault("cut-before-blank-line", cut_before_blank_line)
CUT_BODY = Fault("cut-body", cut_body)
CUT_BODY_AT_ONCE = Fault("cut-body-at-once", cut_body_at_once)
RESET_WITHIN_BODY = Fault("reset-within-body", reset_within_body)
CUT_UNMEASURED_BODY = Fault(
    "cut-unmeasured-body", cut_unmeasured_body, exits=(8, 9), operations=RETURNING
)
CUT_CHUNK = Fault("cut-chunk", cut_chunk)
CUT_WITHIN_CHUNK = Fault("cut-within-chunk", cut_within_chunk)
CUT_CHUNK_SIZE = Fault("cut-chunk-size", cut_chunk_size)
CUT_REJECTION = Fault("cut-400", cut_rejection)
CUT_NOT_FOUND = Fault("cut-404", cut_not_found)

CUTS = (
    CUT_STATUS,
    CUT_AFTER_STATUS,
    CUT_HEADERS,
    CUT_BEFORE_BLANK_LINE,
    CUT_BODY,
    CUT_BODY_AT_ONCE,
    RESET_WITHIN_BODY,
    CUT_UNMEASURED_BODY,
    CUT_CHUNK,
    CUT_WITHIN_CHUNK,
    CUT_CHUNK_SIZE,
    CUT_REJECTION,
    CUT_NOT_FOUND,
)

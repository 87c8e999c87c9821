"""Answers that never end: drips under every per-read limit, silence, and floods."""

from functools import partial
from typing import Any

from .cuts import CHUNKED, chunk, with_body
from .fault import Exchange, Fault, Moment
from .wire import header_lines, render, status_line

INTERVAL = 0.2  # seconds between two bytes
ENDLESS = 1 << 15  # bytes, each of which takes an interval
BIG = 200_000_000  # bytes
BLOCK = b" " * (1 << 16)  # white space, so that the body could still become JSON


def drip_status(exchange: Exchange, interval: float = INTERVAL) -> None:
    exchange.wire.drip(b"HTTP/1.1 200 " + b"O" * ENDLESS, interval)


def drip_headers(exchange: Exchange, interval: float = INTERVAL) -> None:
    exchange.wire.send(status_line(exchange.answer.status) + b"X-Drip: ")
    exchange.wire.drip(b"." * ENDLESS, interval)


def drip_body(exchange: Exchange, interval: float = INTERVAL) -> None:
    """JSON may begin with white space: a patient client would get a valid answer."""
    answer = with_body(exchange.answer)
    answer = answer._replace(body=b" " * ENDLESS + answer.body)
    head, blank, body = render(answer).partition(b"\r\n\r\n")
    exchange.wire.send(head + blank)
    exchange.wire.drip(body, interval)


def drip_chunks(exchange: Exchange, interval: float = INTERVAL) -> None:
    exchange.wire.send(render(with_body(exchange.answer)._replace(body=b""), CHUNKED))
    exchange.wire.drip(chunk(b" ") * ENDLESS, interval)


def drip_continues(exchange: Exchange, interval: float = INTERVAL) -> None:
    while True:
        exchange.wire.send(status_line(100) + b"\r\n")
        exchange.wire.pause(interval)


def hang(exchange: Exchange) -> None:
    exchange.wire.hang()


def hang_after(said: bytes, exchange: Exchange) -> None:
    exchange.wire.send(said)
    exchange.wire.hang()


def hang_in_body(exchange: Exchange) -> None:
    answer = with_body(exchange.answer)
    head, blank, body = render(answer).partition(b"\r\n\r\n")
    hang_after(head + blank + body[: len(body) // 2], exchange)


def hang_after_chunk(exchange: Exchange) -> None:
    answer = with_body(exchange.answer)
    hang_after(render(answer._replace(body=chunk(answer.body)), CHUNKED), exchange)


def big_body(exchange: Exchange) -> None:
    answer = with_body(exchange.answer)
    length = ("Content-Length", str(BIG + len(answer.body)))
    exchange.wire.send(render(answer._replace(body=b""), length))
    for _ in range(BIG // len(BLOCK)):
        exchange.wire.send(BLOCK)
    exchange.wire.send(b" " * (BIG % len(BLOCK)) + answer.body)


def endless_body(exchange: Exchange) -> None:
    answer = with_body(exchange.answer)
    head = status_line(answer.status) + header_lines(answer.headers)
    exchange.wire.send(head + b"Connection: close\r\n\r\n")
    exchange.wire.repeat(BLOCK)


def endless_chunks(exchange: Exchange) -> None:
    exchange.wire.send(render(with_body(exchange.answer)._replace(body=b""), CHUNKED))
    exchange.wire.repeat(chunk(BLOCK))


def endless_trailers(exchange: Exchange) -> None:
    answer = with_body(exchange.answer)
    exchange.wire.send(render(answer._replace(body=chunk(answer.body) + b"0\r\n"), CHUNKED))
    exchange.wire.repeat(b"X-Trailer: more\r\n")


def flood(opening: bytes, block: bytes, exchange: Exchange) -> None:
    exchange.wire.send(opening)
    exchange.wire.repeat(block)


OK = status_line(200)
CHUNKS_FOLLOW = OK + header_lines([CHUNKED]) + b"\r\n"
INTERIM = {status: status_line(status) + b"\r\n" for status in (100, 102, 103)}

HANG = Fault("hang", hang, slow=True)
HANG_ON_ACCEPT = Fault("hang-on-accept", hang, moment=Moment.ACCEPT, slow=True)
DRIP_BODY = Fault("drip-body", drip_body, slow=True)
DRIP_HEADERS = Fault("drip-headers", drip_headers, slow=True)

DRIPS = (
    Fault("drip-status-line", drip_status, slow=True),
    DRIP_HEADERS,
    DRIP_BODY,
    Fault("drip-chunks", drip_chunks, slow=True),
    Fault("drip-100-continue", drip_continues, slow=True),
)
# Python's own client takes a 102 or 103 for the final answer, so it does not wait: exit 8.
HANGS = (
    HANG_ON_ACCEPT,
    HANG,
    Fault("hang-in-status-line", partial(hang_after, b"HTTP/1.1 "), slow=True),
    Fault("hang-in-headers", partial(hang_after, OK + b"X-Half: "), slow=True),
    Fault("hang-in-body", hang_in_body, slow=True),
    Fault("hang-after-chunk", hang_after_chunk, slow=True),
    Fault("hang-after-100", partial(hang_after, INTERIM[100]), slow=True),
    Fault("hang-after-102", partial(hang_after, INTERIM[102]), slow=True, exits=(8, 9)),
    Fault("hang-after-103", partial(hang_after, INTERIM[103]), slow=True, exits=(8, 9)),
)
# A flood that only a time limit ends keeps a processor busy until then. Two calls stand for all:
# one that is retried and one that is not.
LASTING: dict[str, Any] = {"slow": True, "operations": ("update", "message")}
BIG_BODY = Fault("body-of-200-MB", big_body, exits=(8, 9))
ENDLESS_BODY = Fault("endless-body", endless_body, exits=(8, 9))
FLOODS = (
    BIG_BODY,
    ENDLESS_BODY,
    Fault("endless-chunks", endless_chunks, exits=(8, 9)),
    Fault("endless-trailers", endless_trailers, exits=(8, 9), **LASTING),
    Fault("endless-headers", partial(flood, OK, b"X-More: more\r\n"), exits=(8, 9)),
    Fault("endless-header-line", partial(flood, OK + b"X-Long: ", b"a"), exits=(8, 9)),
    Fault("endless-status-line", partial(flood, b"HTTP/1.1 200 ", b"O"), exits=(8, 9)),
    Fault("endless-chunk-size", partial(flood, CHUNKS_FOLLOW, b"0"), exits=(8, 9)),
    Fault("flood-of-100-continue", partial(flood, b"", INTERIM[100]), **LASTING),
    Fault(
        "flood-of-100-with-headers",
        partial(flood, b"", status_line(100) + b"X-More: more\r\n\r\n"),
        **LASTING,
    ),
)

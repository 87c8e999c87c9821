"""Answers whose form is wrong, odd or hostile: lengths, encodings, things that are not HTTP."""

import functools
import gzip
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.model.endpoints import Answer

from .cuts import CHUNKED, chunk, with_body
from .fault import HONEST, RETURNING, Exchange, Fault, Moment, Outcome
from .wire import header_lines, render, status_line

MEBIBYTE = 1 << 20
BOMB_SIZE = 1 << 10  # mebibytes, once it is unpacked
TLS_ALERT = bytes.fromhex("15030300020228")  # fatal, handshake_failure
HTTP2_SETTINGS = bytes.fromhex("000000040000000000")


@functools.cache
def bomb() -> bytes:
    """A gibibyte of zeros, packed three times over into a few hundred bytes."""
    data = gzip.compress(bytes(MEBIBYTE), mtime=0) * BOMB_SIZE
    return gzip.compress(gzip.compress(data, mtime=0), mtime=0)


def gzipped_bomb(exchange: Exchange) -> bool:
    headers = (("Content-Encoding", "gzip, gzip, gzip"),)
    return exchange.send_answer(Answer(200, headers, bomb()))


def encoded(label: str, encode: Callable[[bytes], bytes], exchange: Exchange) -> bool:
    """A small valid answer, packed though `identity` was asked for."""
    answer = with_body(exchange.answer)
    headers = (*answer.headers, ("Content-Encoding", label))
    return exchange.send_answer(answer._replace(headers=headers, body=encode(answer.body)))


def two_lengths(first: int, second: int, exchange: Exchange) -> None:
    """Two lengths, each so much off the true one."""
    answer = with_body(exchange.answer)
    size = len(answer.body)
    lengths = [("Content-Length", str(size + first)), ("Content-Length", str(size + second))]
    exchange.wire.send(render(answer, *lengths))


def length_as(value: str, exchange: Exchange) -> None:
    exchange.wire.send(render(with_body(exchange.answer), ("Content-Length", value)))


def length_and_chunks(exchange: Exchange) -> None:
    """The chunks are right and the length is not; HTTP says that the chunks win."""
    answer = with_body(exchange.answer)
    answer = answer._replace(body=chunk(answer.body) + chunk(b""))
    exchange.wire.send(render(answer, ("Content-Length", "3"), CHUNKED))


def length_without_chunks(exchange: Exchange) -> None:
    """The length is right, and the chunks that are announced are none."""
    answer = with_body(exchange.answer)
    exchange.wire.send(render(answer, ("Content-Length", str(len(answer.body))), CHUNKED))


def short_length(exchange: Exchange) -> None:
    """The JSON continues after its announced end."""
    answer = with_body(exchange.answer)
    exchange.wire.send(render(answer, ("Content-Length", str(len(answer.body) - 1))))


def chunk_size(size: bytes, exchange: Exchange) -> None:
    answer = with_body(exchange.answer)
    body = chunk(answer.body, size) + chunk(b"")
    exchange.wire.send(render(answer._replace(body=body), CHUNKED))


def say(said: bytes, exchange: Exchange) -> None:
    exchange.wire.send(said)


def body_only(exchange: Exchange) -> None:
    """As HTTP/0.9 does it."""
    exchange.wire.send(with_body(exchange.answer).body)


def starting(old: bytes, new: bytes, exchange: Exchange) -> None:
    """The honest answer under another status line."""
    first, newline, rest = render(exchange.answer, ("Connection", "close")).partition(b"\r\n")
    exchange.wire.send(first.replace(old, new) + newline + rest)


def without_reason(exchange: Exchange) -> None:
    _, newline, rest = render(exchange.answer, ("Connection", "close")).partition(b"\r\n")
    exchange.wire.send(f"HTTP/1.1 {exchange.answer.status}".encode() + newline + rest)


def with_header(line: bytes, exchange: Exchange) -> None:
    first, newline, rest = render(exchange.answer, ("Connection", "close")).partition(b"\r\n")
    exchange.wire.send(first + newline + line + newline + rest)


def byte_by_byte(exchange: Exchange) -> None:
    exchange.wire.drip(render(exchange.answer, ("Connection", "close")), interval=0)


def chunked(exchange: Exchange) -> bool:
    answer = with_body(exchange.answer)
    halves = chunk(answer.body[:1]) + chunk(answer.body[1:]) if answer.body[1:] else b""
    body = halves + chunk(b"")
    headers = (*answer.headers, CHUNKED)
    return exchange.send_answer(answer._replace(headers=headers, body=body))


def unmeasured(exchange: Exchange) -> None:
    answer = exchange.answer
    head = status_line(answer.status) + header_lines(answer.headers)
    exchange.wire.send(head + b"Connection: close\r\n\r\n" + answer.body)


def after_interim(status: int, exchange: Exchange) -> bool:
    exchange.wire.send(status_line(status) + b"\r\n")
    return exchange.send_honest()


def extra_answer(exchange: Exchange) -> bool:
    """A forged second answer is sent ahead for the next request on this connection."""
    forged = render(Answer(200, exchange.answer.headers, b'{"forged": true}'))
    exchange.wire.send(render(exchange.answer) + forged)
    return not exchange.last


ODD: dict[str, Any] = {"exits": (8, 9)}
# HTTP calls these broken, and yet the answer can be read in full by a lenient client.
LENIENT: dict[str, Any] = {"also": (Outcome.DONE,), "exits": (0, 8, 9), "worlds": (True,)}
# These are answers as good as any; a client that fails here is too strict.
FINE: dict[str, Any] = {"expect": Outcome.DONE, "complete": True}

GZIP = Fault("gzip", partial(encoded, "gzip", partial(gzip.compress, mtime=0)), complete=True)
GZIP_BOMB = Fault("gzip-bomb", gzipped_bomb, complete=True)
EXTRA_ANSWER = Fault("extra-answer", extra_answer, **FINE)
TLS_ON_PLAIN = Fault("tls-on-plain-port", partial(say, TLS_ALERT), moment=Moment.UNREAD, **ODD)
# Only for a server with TLS, and so not part of the catalogue.
PLAIN_ON_TLS = Fault(
    "plain-on-tls-port",
    partial(say, render(Answer(400, (), b"plain HTTP"))),
    Outcome.NOT_SENT,
    moment=Moment.ACCEPT,
)

ENCODINGS = (
    GZIP,
    GZIP_BOMB,
    Fault("deflate", partial(encoded, "deflate", zlib.compress), complete=True),
    Fault("brotli-unpacked", partial(encoded, "br", bytes), complete=True),
    Fault("gzip-unpacked", partial(encoded, "gzip", bytes), complete=True),
)
LENGTHS = (
    Fault("two-lengths-first-right", partial(two_lengths, 0, 7), **LENIENT),
    Fault("two-lengths-second-right", partial(two_lengths, 7, 0), **LENIENT),
    Fault("two-lengths-none-right", partial(two_lengths, -1, 7), **ODD),
    Fault("length-and-chunks", length_and_chunks, **LENIENT),
    Fault("length-without-chunks", length_without_chunks, **LENIENT),
    Fault("length-too-short", short_length, operations=RETURNING, **ODD),
    Fault("length-negative", partial(length_as, "-1"), **LENIENT),
    Fault("length-not-a-number", partial(length_as, "many"), **LENIENT),
    Fault("length-astronomical", partial(length_as, "9" * 30), **ODD),
    Fault("chunk-size-not-hex", partial(chunk_size, b"xyz"), **ODD),
    Fault("chunk-size-negative", partial(chunk_size, b"-1"), **ODD),
    Fault("chunk-size-empty", partial(chunk_size, b" "), **ODD),
    Fault("chunk-size-too-big", partial(chunk_size, b"ffffffff"), **ODD),
    Fault("chunk-size-too-small", partial(chunk_size, b"1"), **ODD),
)
GARBAGE = (
    Fault("http-0.9", body_only, **ODD),
    Fault("garbage", partial(say, bytes(range(256))), **ODD),
    Fault("blank-lines", partial(say, b"\r\n\r\n\r\n"), **ODD),
    Fault("ssh-banner", partial(say, b"SSH-2.0-OpenSSH_9.2\r\n"), **ODD),
    Fault("http2-preface", partial(say, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), **ODD),
    Fault("http2-settings", partial(say, HTTP2_SETTINGS), **ODD),
    Fault("status-with-letters", partial(say, b"HTTP/1.1 2OO OK\r\n\r\n"), **ODD),
    Fault("status-of-two-digits", partial(say, b"HTTP/1.1 20 OK\r\n\r\n"), **ODD),
    Fault("status-of-four-digits", partial(say, b"HTTP/1.1 2000 OK\r\n\r\n"), **ODD),
    Fault("status-negative", partial(say, b"HTTP/1.1 -200 OK\r\n\r\n"), **ODD),
    Fault("version-unknown", partial(starting, b"HTTP/1.1", b"HTTP/7.3"), **LENIENT),
    Fault("version-of-icecast", partial(starting, b"HTTP/1.1", b"ICY"), **LENIENT),
    Fault("header-without-colon", partial(with_header, b"no colon here"), **LENIENT),
    Fault("header-with-nul", partial(with_header, b"X-Nul: a\0b"), **LENIENT),
    Fault("header-folded-first", partial(with_header, b" X-Folded: yes"), **LENIENT),
    TLS_ON_PLAIN,
)
ODDITIES = (
    HONEST,
    Fault("byte-by-byte", byte_by_byte, **FINE),
    Fault("chunked", chunked, **FINE),
    Fault("unmeasured", unmeasured, **FINE),
    Fault("http-1.0", partial(starting, b"HTTP/1.1", b"HTTP/1.0"), **FINE),
    Fault("status-without-reason", without_reason, **FINE),
    Fault("header-not-utf-8", partial(with_header, b"X-Latin: \xff\xfe\xe9"), **FINE),
    Fault("header-with-escapes", partial(with_header, b"X-Escape: \x1b[31mred\x1b[0m"), **FINE),
    Fault("cookie", partial(with_header, b"Set-Cookie: kept=yes; Path=/"), **FINE),
    Fault("after-100-continue", partial(after_interim, 100), **FINE),
    # Python's own client takes these for the final answer.
    Fault("after-102", partial(after_interim, 102), **LENIENT),
    Fault("after-103", partial(after_interim, 103), **LENIENT),
    EXTRA_ANSWER,
)
FRAMING = (*LENGTHS, *GARBAGE, *ODDITIES)

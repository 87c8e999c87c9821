"""Faults of the connection itself: refused, dropped, reset, closed, gone stale."""

from .fault import Exchange, Fault, Moment, Outcome, calls_that
from .listener import Listener
from .wire import render

HALF_A_HEAD = 10  # bytes; any client sends more
STALE_AFTER = 0.05  # seconds; long enough for the answer to arrive before the FIN


def reset(exchange: Exchange) -> None:
    exchange.wire.reset()


def close(exchange: Exchange) -> None:
    exchange.wire.finish()


def reset_within_request(exchange: Exchange) -> None:
    exchange.wire.read_exactly(HALF_A_HEAD)
    exchange.wire.reset()


def answer_then_close(exchange: Exchange) -> None:
    """Promise to keep the connection, answer honestly, and close it while the client is idle."""
    exchange.wire.send(render(exchange.answer, ("Connection", "keep-alive")))
    exchange.wire.pause(STALE_AFTER)


def answer_then_reset(exchange: Exchange) -> None:
    answer_then_close(exchange)
    exchange.wire.reset()


REFUSE = Fault("refuse", Listener.refuse, Outcome.NOT_SENT, moment=Moment.CONNECT)
STALL = Fault("stall-connect", Listener.stall, Outcome.NOT_SENT, moment=Moment.CONNECT, slow=True)

# The reset may come before the client has begun to send.
RESET_ON_ACCEPT = Fault("reset-on-accept", reset, also=(Outcome.NOT_SENT,), moment=Moment.ACCEPT)
CLOSE_ON_ACCEPT = Fault("close-on-accept", close, moment=Moment.ACCEPT)
RESET_BEFORE_READING = Fault("reset-before-reading", reset, moment=Moment.UNREAD)
CLOSE_BEFORE_READING = Fault("close-before-reading", close, moment=Moment.UNREAD)
RESET_WITHIN_REQUEST = Fault("reset-within-request", reset_within_request, moment=Moment.UNREAD)
RESET_AFTER_READING = Fault("reset-after-reading", reset)
CLOSE_AFTER_READING = Fault("close-after-reading", close)

# A message goes out on a fresh connection, and so never meets these.
REUSING = calls_that(lambda call: call.request.repeatable)
STALE_CLOSE = Fault("stale-close", answer_then_close, Outcome.DONE)
STALE_RESET = Fault("stale-reset", answer_then_reset, Outcome.DONE)
STALE_CLOSE_BEFORE_READING = Fault(
    "stale-close-before-reading", close, moment=Moment.UNREAD, reused=True, operations=REUSING
)
STALE_RESET_BEFORE_READING = Fault(
    "stale-reset-before-reading", reset, moment=Moment.UNREAD, reused=True, operations=REUSING
)
STALE_CLOSE_AFTER_READING = Fault(
    "stale-close-after-reading", close, reused=True, operations=REUSING
)
STALE_RESET_AFTER_READING = Fault(
    "stale-reset-after-reading", reset, reused=True, operations=REUSING
)

CONNECTIONS = (
    REFUSE,
    STALL,
    RESET_ON_ACCEPT,
    CLOSE_ON_ACCEPT,
    RESET_BEFORE_READING,
    CLOSE_BEFORE_READING,
    RESET_WITHIN_REQUEST,
    RESET_AFTER_READING,
    CLOSE_AFTER_READING,
)
STALE = (
    STALE_CLOSE,
    STALE_RESET,
    STALE_CLOSE_BEFORE_READING,
    STALE_RESET_BEFORE_READING,
    STALE_CLOSE_AFTER_READING,
    STALE_RESET_AFTER_READING,
)

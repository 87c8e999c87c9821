"""A Kabelwerk server that misbehaves, on real sockets, with a model behind it.

    with FaultyServer([Step(RESET_AFTER_READING, applied=True, times=1)]) as server:
        ...  # run something against server.url
        assert len(server.model.messages) == 1
        assert len(server.requests) == 1

`CATALOGUE` has every fault, `FAULTS` the same by name, `GROUPS` by theme, and `matrix()` crosses
them with every call. Each fault states what a careful client makes of it.
"""

from tests.model.endpoints import Answer, answer_json
from tests.model.model import Model
from tests.model.state import Message, Room, State, User, seeded

from .bodies import ID_MISSING, OTHER_KEY
from .canary import Canary
from .catalogue import CATALOGUE, FAULTS, GROUPS, Case, faults_in, matrix
from .connections import (
    CLOSE_AFTER_READING,
    CLOSE_BEFORE_READING,
    CLOSE_ON_ACCEPT,
    REFUSE,
    RESET_AFTER_READING,
    RESET_BEFORE_READING,
    RESET_ON_ACCEPT,
    RESET_WITHIN_REQUEST,
    STALE_CLOSE,
    STALE_CLOSE_AFTER_READING,
    STALE_CLOSE_BEFORE_READING,
    STALE_RESET,
    STALE_RESET_AFTER_READING,
    STALE_RESET_BEFORE_READING,
    STALL,
)
from .cuts import CUT_BODY, CUT_CHUNK, CUT_HEADERS, CUT_STATUS
from .fault import EVERY_CALL, HONEST, RETURNING, Exchange, Fault, Moment, Outcome, Step
from .framing import EXTRA_ANSWER, GZIP, GZIP_BOMB, PLAIN_ON_TLS, TLS_ON_PLAIN
from .proxy import PROXY_REFUSALS, ConnectProxy
from .server import FaultyServer
from .slow import BIG_BODY, DRIP_BODY, DRIP_HEADERS, ENDLESS_BODY, HANG, HANG_ON_ACCEPT
from .statuses import (
    PAGE,
    RATE_LIMITED,
    UNAVAILABLE,
    canned,
    failed,
    invalid,
    rate_limited,
    redirect,
    rejected,
)
from .tls import NAME, Authority, Untrusted, untrusted
from .wire import Limits, Request

__all__ = [
    "BIG_BODY",
    "CATALOGUE",
    "CLOSE_AFTER_READING",
    "CLOSE_BEFORE_READING",
    "CLOSE_ON_ACCEPT",
    "CUT_BODY",
    "CUT_CHUNK",
    "CUT_HEADERS",
    "CUT_STATUS",
    "DRIP_BODY",
    "DRIP_HEADERS",
    "ENDLESS_BODY",
    "EVERY_CALL",
    "EXTRA_ANSWER",
    "FAULTS",
    "GROUPS",
    "GZIP",
    "GZIP_BOMB",
    "HANG",
    "HANG_ON_ACCEPT",
    "HONEST",
    "ID_MISSING",
    "NAME",
    "OTHER_KEY",
    "PAGE",
    "PLAIN_ON_TLS",
    "PROXY_REFUSALS",
    "RATE_LIMITED",
    "REFUSE",
    "RESET_AFTER_READING",
    "RESET_BEFORE_READING",
    "RESET_ON_ACCEPT",
    "RESET_WITHIN_REQUEST",
    "RETURNING",
    "STALE_CLOSE",
    "STALE_CLOSE_AFTER_READING",
    "STALE_CLOSE_BEFORE_READING",
    "STALE_RESET",
    "STALE_RESET_AFTER_READING",
    "STALE_RESET_BEFORE_READING",
    "STALL",
    "TLS_ON_PLAIN",
    "UNAVAILABLE",
    "Answer",
    "Authority",
    "Canary",
    "Case",
    "ConnectProxy",
    "Exchange",
    "Fault",
    "FaultyServer",
    "Limits",
    "Message",
    "Model",
    "Moment",
    "Outcome",
    "Request",
    "Room",
    "State",
    "Step",
    "Untrusted",
    "User",
    "answer_json",
    "canned",
    "failed",
    "faults_in",
    "invalid",
    "matrix",
    "rate_limited",
    "redirect",
    "rejected",
    "seeded",
    "untrusted",
]

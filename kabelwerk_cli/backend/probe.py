"""A call that finds out whether a backend is the API and accepts the token, and changes nothing."""

import os
from collections.abc import Sequence

from kabelwerk_cli.api import calls, errors
from kabelwerk_cli.api.history import capitalized
from kabelwerk_cli.api.sender import Attempted
from kabelwerk_cli.config.resolve import Settings

from .client import open_sender
from .request_log import Observer

UNREACHABLE = "Check the URL, the network and whether the server is running."
SERVER_FAILED = range(500, 600)


def probe(settings: Settings, token: str, observe: Observer = lambda _: None) -> None:
    """Check that the backend is the Kabelwerk API and accepts the token.

    The call has an empty body and a key that nobody has, so there is nothing to change and nobody
    to change it for: a backend that accepts the token can only reject the call.

    Args:
        settings: the settings.
        token: the token to try.
        observe: called after each attempt.

    Raises:
        AuthenticationError: the token is rejected.
        KabelwerkError: the backend is not the API, or is unreachable.
    """
    attempts: list[Attempted] = []

    def remember(attempted: Attempted) -> None:
        attempts.append(attempted)
        observe(attempted)

    call = calls.update_user(key=f"kabelwerk-doctor-{os.urandom(16).hex()}", name="")
    call = call._replace(body={}, subject="no user")
    with open_sender(settings, remember, token=token) as sender:
        try:
            sender.send(call)
        except (errors.DoesNotExist, errors.ValidationError):
            return
        except errors.AuthenticationError as error:
            raise errors.AuthenticationError(
                "The backend rejected the API token.", error.report
            ) from None
        except (errors.ServerError, errors.OutcomeUnknown) as error:
            raise type(error)(_not_the_api(attempts), error.report) from None
        except errors.ConnectionError as error:
            raise type(error)(_not_reached(attempts), error.report) from None
    raise errors.ServerError(_not_the_api(attempts))


def _not_the_api(attempts: Sequence[Attempted]) -> str:
    last = attempts[-1].verdict
    if last.error is errors.RateLimited or (last.status or 0) in SERVER_FAILED:
        return f"The API is not available: {last.reason}. Try again later."
    return f"This does not look like the Kabelwerk API: {last.reason}. Check the URL."


def _not_reached(attempts: Sequence[Attempted]) -> str:
    last = attempts[-1].verdict
    return f"{capitalized(last.reason)}. {last.cure or UNREACHABLE}"

"""A call that finds out whether a backend is the API and accepts the token, and changes nothing."""

import os

from kabelwerk_cli import errors
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.delivery.history import History
from kabelwerk_cli.delivery.verdicts import Verdict
from kabelwerk_cli.errors import BEFORE_SENDING, Report
from kabelwerk_cli.operations import calls
from kabelwerk_cli.terminal.run_record import RunRecord
from kabelwerk_cli.words import capitalized

from .connect import COMMAND, open_sender
from .request_log import Observer

UNREACHABLE = "Check the URL, the network and whether the server is running."
SERVER_FAILED = range(500, 600)


class Probing:
    """What the run's record knows of a probe: whether it was sent."""

    def __init__(self, history: History) -> None:
        self._history = history

    def report(self) -> Report:
        """Return the report of a call that cannot change anything, whatever became of it."""
        report, applied, safe_to_rerun = self._history.report(), *BEFORE_SENDING[:2]
        return report._replace(applied=applied, safe_to_rerun=safe_to_rerun)

    def sentence(self) -> str:
        """Return what was sent, as a sentence."""
        if self.report().attempts:
            return "Only a request that cannot change anything was sent."
        return self._history.sentence()


def probe(
    settings: Settings, token: str, run_record: RunRecord, observe: Observer = lambda _: None
) -> None:
    """Check that the backend is the Kabelwerk API and accepts the token.

    The call has an empty body and a key that nobody has, so there is nothing to change and nobody
    to change it for: a backend that accepts the token can only reject the call.

    Args:
        settings: the settings.
        token: the token to try.
        run_record: records that the call is sent.
        observe: called after each attempt.

    Raises:
        AuthenticationError: the token is rejected.
        KabelwerkError: the backend is not the API, or is unreachable.
    """
    call = calls.update_user(key=f"kabelwerk-doctor-{os.urandom(16).hex()}", name="")
    call = call._replace(body={}, name_subject=lambda _: "no user")
    history = History()
    with open_sender(settings, observe, token=token, tools=COMMAND) as sender:
        run_record.open(account := Probing(history))
        try:
            sender.send(call, history)
        except (errors.DoesNotExist, errors.ValidationError):
            return
        except errors.AuthenticationError:
            raise errors.AuthenticationError(
                "The backend rejected the API token.", account.report()
            ) from None
        except (errors.ServerError, errors.OutcomeUnknown) as error:
            raise type(error)(_not_the_api(_last(history)), account.report()) from None
        except errors.ConnectionError as error:
            raise type(error)(_not_reached(_last(history)), account.report()) from None
    raise errors.ServerError(_not_the_api(_last(history)), account.report())


def _last(history: History) -> Verdict:
    return history.steps[-1].tries[-1]


def _not_the_api(last: Verdict) -> str:
    if last.error is errors.RateLimited or (last.status or 0) in SERVER_FAILED:
        return f"The API is not available: {last.reason}. Try again later."
    return f"This does not look like the Kabelwerk API: {last.reason}. Check the URL."


def _not_reached(last: Verdict) -> str:
    return f"{capitalized(last.reason)}. {last.advice or UNREACHABLE}"

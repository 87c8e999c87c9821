"""A guard in front of the server: what keeps web pages away besides the token.

The token is in a header that a browser sends to another site only if that site agrees, and the
sandbox agrees to none. So a page has to be of the sandbox's own origin, and know the token. It can
be both if its name is made to resolve to this machine (DNS rebinding), and the token is one that
was published, such as `--token try-me` in a script. The browser then names the page's host in each
request. The origin is compared too, so that not all depends on the browser's asking.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

App = Callable[..., Iterable[bytes]]

_HOST = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::([0-9]{1,5}))?")
_HTTP_PORT = "80"


def guarded(app: App) -> App:
    """Return an app that passes to `app` only what does not come from another site's page."""

    def guard(request: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # the server joins a header that is sent twice by a comma, so that it matches nothing
        host = request.get("HTTP_HOST", "").strip().lower()
        origin = request.get("HTTP_ORIGIN", f"http://{host}").strip().lower()
        named = _HOST.fullmatch(host)
        if not named or (named[1] or _HTTP_PORT) != request["SERVER_PORT"]:
            status = "421 Misdirected Request"
            reason = "The Host header must be a loopback address with this port."
        elif origin != f"http://{host}":
            status, reason = "403 Forbidden", "Web pages of other origins cannot use the sandbox."
        else:
            return app(request, start_response)
        body = json.dumps({"errors": {"detail": reason}}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    return guard

"""Serving the page and its data."""

import contextlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import falcon

from kabelwerk_cli.sandbox.app import create_app
from kabelwerk_cli.sandbox.faults import FaultInjector
from kabelwerk_cli.sandbox.guard import guarded
from kabelwerk_cli.sandbox.masking import Mask
from kabelwerk_cli.sandbox.recorder import RequestLog, recorded
from kabelwerk_cli.sandbox.store import Store

from .queries import KINDS, VIEWS, Wanted
from .view import View

WSGIApp = Callable[..., Iterable[bytes]]

FILES = {
    "index.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_TEXTS = [name for name in Wanted._fields if name != "id"]
KEY_HEADER = "X-Sandbox-Key"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",  # or the browser looks up the hosts of links in messages
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_page(view: View, key: str, mask: Mask) -> falcon.App[falcon.Request, falcon.Response]:
    """Return the WSGI app of the page.

    Args:
        view: what the page shows.
        key: what a request must have to see it. It is in the fragment of the page's URL, which
            browsers do not send, and is of no use for the API.
        mask: what hides the API token, wherever it is in the data.
    """
    app = falcon.App()
    app.add_middleware(_Headers())
    app.add_route("/", _File("index.html"))
    for name in FILES:
        app.add_route(f"/page/{name}", _File(name))
    app.add_route("/page/data", _Data(view, key, mask))
    app.add_error_handler(Exception, _say_unavailable)
    return app


def beside(api: WSGIApp, page: WSGIApp) -> WSGIApp:
    """Return an app that serves the page at `/` and `/page/`, and the API everywhere else."""

    def either(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        app = page if path == "/" or path.startswith("/page/") else api
        return app(environ, start_response)

    return either


@contextlib.contextmanager
def site(
    store: Store, path: Path, token: str, page_key: str, injector: FaultInjector
) -> Iterator[WSGIApp]:
    """Provide the WSGI app of the API and the page, and keep the requests meanwhile.

    Args:
        store: the data.
        path: its file.
        token: the only API token to accept.
        page_key: what the page's link has to have.
        injector: delays and random failures of the API.
    """
    mask = Mask(token)
    with (
        contextlib.closing(View(path)) as view,
        contextlib.closing(RequestLog(path, mask)) as log,
    ):
        log.start()
        api = guarded(create_app(store, token=token, injector=injector))
        yield beside(recorded(api, log), guarded(create_page(view, page_key, mask)))


class _Headers:
    def process_request(self, _: falcon.Request, resp: falcon.Response) -> None:
        resp.set_headers(HEADERS)


class _File:
    def __init__(self, name: str) -> None:
        self._type = FILES[name]
        self._content = resources.files(__package__).joinpath(name).read_bytes()

    def on_get(self, _: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = self._type
        resp.data = self._content


class _Data:
    def __init__(self, view: View, key: str, mask: Mask) -> None:
        self._view = view
        self._key = key
        self._mask = mask

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer 304 if nothing has changed, which makes asking every second cheap."""
        given = req.get_header(KEY_HEADER) or ""
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise falcon.HTTPForbidden
        texts = {name: req.get_param(name, default="") for name in _TEXTS}
        wanted = Wanted(id=req.get_param_as_int("id", min_value=0, max_value=2**63 - 1), **texts)
        if wanted.view not in VIEWS or (wanted.view == "json" and wanted.kind not in KINDS):
            raise falcon.HTTPBadRequest
        seen = (req.get_header("If-None-Match") or "").strip('"')
        version, shown = self._view.look(wanted, seen)
        resp.etag = version
        if shown is None:
            resp.status = falcon.HTTP_304
        else:
            resp.content_type = falcon.MEDIA_JSON
            resp.data = json.dumps(self._mask.values(shown)).encode()


def _say_unavailable(_: falcon.Request, __: falcon.Response, ___: Exception, ____: object) -> None:
    """The page asks again later, whatever the reason."""
    raise falcon.HTTPServiceUnavailable

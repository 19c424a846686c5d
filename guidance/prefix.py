"""Living under a path of another site (`GUIDANCE_SITE_URL=https://example.vn/huong-dan`): addresses in, addresses out.

The site itself knows nothing of the path. It is taken off every request, and put before every address of this
site in pages, JSON and redirects, once, before a page is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask

from guidance.config import LANGUAGES_SHIPPED

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FILES = r"manifest\.webmanifest|opensearch\.xml|sitemap\.xml|sw\.js"
_OURS = re.compile(
    rf"""(["']|&\#34;|&quot;)/(?=(?:{"|".join(LANGUAGES_SHIPPED)}|api|static)(?:/|["'?\#]|&\#34;)|{_FILES})""".encode()
)
_KINDS = ("text/html", "application/json", "application/problem+json", "application/manifest+json")
_HEADERS = frozenset(
    {"location", "hx-redirect", "hx-location", "hx-push-url", "hx-replace-url", "content-location"}
)


def prefix_of(site_url: str) -> str:
    """The path that stands before every address; empty for a site of its own."""
    return urlsplit(site_url).path.rstrip("/")


class TakeOff:
    """Outermost: requests lose the prefix, whether or not the proxy in front left it on."""

    def __init__(self, site: WSGIApplication, prefix: str) -> None:
        """The site behind, and its prefix."""
        self._site, self._prefix = site, prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the site does."""
        path = environ.get("PATH_INFO", "")
        if path == self._prefix or path.startswith(self._prefix + "/"):
            environ = dict(environ, PATH_INFO=path[len(self._prefix) :] or "/")
        return self._site(environ, start_response)


class PutBefore:
    """Innermost: addresses in answers get the prefix."""

    def __init__(self, site: WSGIApplication, prefix: str) -> None:
        """The site behind, and its prefix."""
        self._site, self._prefix = site, prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the site does, with addresses as a browser needs them."""
        said: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            said[:] = [status, headers]
            return lambda _chunk: None

        chunks = self._site(environ, start)
        kind = next((value for name, value in said[1] if name.lower() == "content-type"), "")
        headers = [
            (name, self._address(value) if name.lower() in _HEADERS else value) for name, value in said[1]
        ]
        if not kind.startswith(_KINDS):
            start_response(said[0], headers)
            return chunks
        try:
            body = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        body = _OURS.sub(rb"\1" + self._prefix.encode() + b"/", body)
        headers = [(name, value) for name, value in headers if name.lower() not in {"content-length", "etag"}]
        start_response(said[0], [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _address(self, value: str) -> str:
        ours = value.startswith("/") and not value.startswith(("//", self._prefix + "/"))
        return self._prefix + value if ours else value


def inside(app: Flask) -> None:
    """Call before pages are kept."""
    prefix = prefix_of(app.config["SETTINGS"].site_url)
    if prefix:
        app.wsgi_app = PutBefore(app.wsgi_app, prefix)  # type: ignore[method-assign]  # how WSGI middleware is put around Flask


def outside(app: Flask) -> None:
    """Call when everything else is in place."""
    prefix = prefix_of(app.config["SETTINGS"].site_url)
    if prefix:
        app.wsgi_app = TakeOff(app.wsgi_app, prefix)  # type: ignore[method-assign]  # how WSGI middleware is put around Flask

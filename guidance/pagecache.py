"""WSGI cache of public pages, in front of Flask: compressed bodies, ETags, one content version."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import brotli

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Query parameters that public pages understand. An address with any other is answered, but never kept:
# pages repeat their parameters in links, so a stranger's parameter must not reach the next reader.
KNOWN_PARAMETERS = frozenset(
    {
        "q", "page", "kind", "sector", "level", "online", "audience", "life_event", "agency", "came_from",
        "with", "group", "slugs", "procedures", "unit", "on", "code", "parent", "from", "to", "topic", "preset", "limit", "lang", "cursor", "who",
        "phone", "sim", "procedure", "goal", "problem", "account", "card", "district", "province", "old",
    }
)  # fmt: skip
PERSONAL = frozenset(
    {
        "desk",
        "reports",
        "editing",
        "admin",
        "account",
        "sign-in",
        "sign-out",
        "help",
        "useful",
        "your-data",
        "data-requests",
    }
)
MOST_BYTES = 16 * 1024 * 1024  # for plain addresses: two thousand pages; the others lie drawn on the disk
MOST_BYTES_ASKED = 8 * 1024 * 1024  # for questions, of which anybody can make up any number
LONGEST_KEY = 1_000
SMALLEST_COMPRESSED = 300
QUALITY = 7  # of Brotli: 8 and more make a page a thousandth smaller, 9 takes 14 times as long
WINDOW = 18  # as 2^n bytes, more than a page has: the usual 4 MB fill a worker's memory for nothing
QUALITY_ONCE = 4  # for answers that one reader gets
SECONDS_BETWEEN_LOOKS = 1.0
_COMPRESSIBLE = ("text/", "application/json", "application/ld+json", "application/atom+xml", "image/svg+xml",
                 "application/xml", "application/manifest+json", "application/problem+json",
                 "application/opensearchdescription+xml", "application/javascript")  # fmt: skip

Headers = list[tuple[str, str]]


class Kept(NamedTuple):
    """One answer as it goes on the wire."""

    status: str
    headers: Headers
    body: bytes
    etag: str

    @property
    def size(self) -> int:
        """Roughly what it takes in memory."""
        return len(self.body) + 600


def _may_be_kept(path: str) -> bool:
    """Whether an address is public by its name; staff and personal pages do not even come near the cache."""
    _empty, _slash, rest = path.partition("/")
    first, _slash, rest = rest.partition("/")
    if len(first) == 2:
        return rest.partition("/")[0] not in PERSONAL
    return path in {"/", "/sitemap.xml"} or path.startswith("/api/v1/")


@lru_cache(maxsize=64)
def _encoding(accepted: str) -> str:
    """The best of the two encodings that the browser takes; only three answers, whatever it says."""
    refused: set[str] = set()
    taken: set[str] = set()
    for part in accepted.lower().split(","):
        name, _semicolon, weight = part.partition(";")
        wanted = not weight or weight.partition("=")[2].strip(" 0.") != ""
        (taken if wanted else refused).add(name.strip())
    for name in ("br", "gzip"):
        if name in taken or ("*" in taken and name not in refused):
            return name
    return ""


def _block(environ: WSGIEnvironment) -> str:
    if environ.get("HTTP_HX_REQUEST") != "true":
        return ""
    if environ.get("HTTP_HX_HISTORY_RESTORE_REQUEST"):
        return "page"
    target: str = environ.get("HTTP_HX_TARGET", "")
    return "block:" + target.rpartition("#")[2]


def _length(key: tuple[str, ...]) -> int:
    return sum(map(len, key))


class Shelf:
    """Answers up to a number of bytes; the one asked for longest ago goes first."""

    def __init__(self, most_bytes: int) -> None:
        """Empty."""
        self.most_bytes = most_bytes
        self.held = 0
        self._kept: OrderedDict[tuple[str, ...], Kept] = OrderedDict()

    def find(self, key: tuple[str, ...]) -> Kept | None:
        """The answer kept under a key."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: tuple[str, ...], kept: Kept) -> None:
        """Keep one, and let others go for it where there is no room."""
        before = self._kept.pop(key, None)
        if before is not None:
            self.held -= before.size + _length(key)
        self._kept[key] = kept
        self.held += kept.size + _length(key)
        while self.held > self.most_bytes:
            oldest, gone = self._kept.popitem(last=False)
            self.held -= gone.size + _length(oldest)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.held = 0


def _compress(body: bytes, encoding: str, quality: int) -> bytes:
    if encoding == "br":
        packed: bytes = brotli.compress(body, quality=quality, lgwin=WINDOW)
        return packed
    return gzip.compress(body, compresslevel=quality, mtime=0)


class PageCache:
    """Wraps the site; answers known public pages from memory while the content version stays the same.

    A page may be kept when the site answers it 200 with `Cache-Control: public` and sets no cookie. `version`
    is asked at most once a second, so a change is seen by every worker within two. Plain addresses and questions
    (a query string, a block, a form of JSON) lie on shelves of their own: made-up questions push out no page.
    """

    def __init__(
        self,
        site: WSGIApplication,
        version: Callable[[], object],
        most_bytes: int = MOST_BYTES,
        most_bytes_asked: int = MOST_BYTES_ASKED,
    ) -> None:
        self._site = site
        self._version = version
        self._plain, self._asked = Shelf(most_bytes), Shelf(most_bytes_asked)
        self._lock = threading.Lock()
        self._rendering: dict[tuple[str, ...], threading.Lock] = {}
        self._looked_at = 0.0
        self._known_version: object = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from memory where possible, from the site otherwise."""
        encoding = _encoding(environ.get("HTTP_ACCEPT_ENCODING", ""))
        key = self._key(environ, encoding)
        if key is None:
            return self._site(environ, start_response)
        self._follow_content()
        kept = self._find(key)
        if kept is None:
            with self._lock:
                gate = self._rendering.setdefault(key, threading.Lock())
            try:
                with gate:
                    kept = self._find(key)
                    if kept is None:
                        kept = self._render(environ, key, encoding)
            finally:
                with self._lock:
                    self._rendering.pop(key, None)
        return self._answer(kept, environ, start_response)

    def clear(self) -> None:
        """Forget every page."""
        with self._lock:
            self._plain.clear()
            self._asked.clear()

    @property
    def held(self) -> int:
        """Roughly how many bytes are kept."""
        return self._plain.held + self._asked.held

    def _shelf(self, key: tuple[str, ...]) -> Shelf:
        return self._asked if any(key[1:4]) else self._plain

    def _key(self, environ: WSGIEnvironment, encoding: str) -> tuple[str, ...] | None:
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or "HTTP_AUTHORIZATION" in environ:
            return None
        path = environ.get("PATH_INFO", "")
        if not _may_be_kept(path):
            return None
        query = environ.get("QUERY_STRING", "")
        if query:
            pairs = parse_qsl(query, keep_blank_values=True)
            if any(name not in KNOWN_PARAMETERS for name, _value in pairs):
                return None
            pairs.sort(key=lambda pair: pair[0])  # of two with one name, pages read the first
            query = urlencode(pairs)
        accept = environ.get("HTTP_ACCEPT", "") if path.startswith("/api/") else ""
        language = environ.get("HTTP_ACCEPT_LANGUAGE", "") if path == "/" else ""
        scheme = environ.get("wsgi.url_scheme", "")  # only over TLS does a page say "stay on TLS"
        key = (path, query, _block(environ), accept + language, encoding, scheme)
        return key if _length(key) <= LONGEST_KEY else None

    def _follow_content(self) -> None:
        instant = time.monotonic()
        if instant - self._looked_at < SECONDS_BETWEEN_LOOKS:
            return
        self._looked_at = instant
        try:
            version = self._version()
        except Exception:  # a database that is away is no reason to take away the pages that are here
            return
        if version != self._known_version:
            self._known_version = version
            self.clear()

    def _find(self, key: tuple[str, ...]) -> Kept | None:
        with self._lock:
            return self._shelf(key).find(key)

    def _run(self, environ: WSGIEnvironment) -> tuple[str, Headers, bytes]:
        said: list[Any] = []

        def start(status: str, headers: Headers, _error: Any = None) -> Callable[[bytes], object]:
            said[:] = [status, list(headers)]
            return lambda _chunk: None

        chunks = self._site(environ, start)
        try:
            body = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        return said[0], said[1], body

    def _render(self, environ: WSGIEnvironment, key: tuple[str, ...], encoding: str) -> Kept:
        version = self._known_version
        head = environ["REQUEST_METHOD"] == "HEAD"
        if head:
            environ = dict(environ, REQUEST_METHOD="GET")
        status, headers, body = self._run(environ)
        names = {name.lower(): value for name, value in headers}
        keep = (
            status.startswith("200")
            and "public" in names.get("cache-control", "")
            and "set-cookie" not in names
        )
        kept = _finished(status, headers, body, encoding, QUALITY if keep else QUALITY_ONCE)
        if keep:
            self._store(key, kept, version)
        return kept

    def _store(self, key: tuple[str, ...], kept: Kept, version: object) -> None:
        with self._lock:
            shelf = self._shelf(key)
            if version == self._known_version and kept.size <= shelf.most_bytes // 8:
                shelf.put(key, kept)

    def _answer(self, kept: Kept, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if kept.etag and kept.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
            dropped = {"content-length", "content-type", "content-encoding"}
            start_response("304 Not Modified", [h for h in kept.headers if h[0].lower() not in dropped])
            return [b""]
        start_response(kept.status, list(kept.headers))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else kept.body]


def _finished(status: str, headers: Headers, body: bytes, encoding: str, quality: int) -> Kept:
    names = {name.lower(): value for name, value in headers}
    kind = names.get("content-type", "")
    varies = "no-store" not in names.get("cache-control", "") and kind.startswith(_COMPRESSIBLE)
    compress = encoding and varies and len(body) >= SMALLEST_COMPRESSED and "content-encoding" not in names
    kept = [
        (name, value) for name, value in headers if name.lower() not in {"content-length", "vary", "etag"}
    ]
    vary = [part.strip() for part in names.get("vary", "").split(",") if part.strip()]
    if compress:
        body = _compress(body, encoding, quality)
        kept.append(("Content-Encoding", encoding))
    if varies:
        vary.append("Accept-Encoding")
    etag = ""
    if status.startswith("200") and "no-store" not in names.get("cache-control", ""):
        etag = names.get("etag") or f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        kept.append(("ETag", etag))
    if "public" in names.get("cache-control", ""):
        kept.append(("Surrogate-Key", "content"))
    if vary:
        kept.append(("Vary", ", ".join(dict.fromkeys(vary))))
    kept.append(("Content-Length", str(len(body))))
    return Kept(status, kept, body, etag)

"""Public pages come from memory; nothing personal ever does."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable
from typing import Any

import brotli
import pytest
from flask import Flask

from guidance.accounts import access
from guidance.db import content_changed, transaction
from guidance.pagecache import PageCache, _may_be_kept
from tests.conftest import Visitor, staff_of


def counting_site(calls: list[str], **headers: str) -> Any:
    """A tiny site that notes every call."""

    def site(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        calls.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", "text/html"), *headers.items()])
        return [b"<p>" + b"xin chao " * 200 + b"</p>"]

    return site


def ask(site: PageCache, path: str = "/vi/", **environ: str) -> tuple[str, dict[str, str], bytes]:
    """One request as a server makes it."""
    said: list[Any] = []
    base = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": ""}
    body = b"".join(site(base | environ, lambda status, headers: said.extend([status, dict(headers)])))  # type: ignore[arg-type,misc]  # a list that stands for start_response
    return said[0], said[1], body


def test_the_second_reader_does_not_cost_a_rendering() -> None:
    """A public page is rendered once per language, encoding and content version."""
    calls: list[str] = []
    site = PageCache(counting_site(calls, **{"Cache-Control": "public"}), lambda: 1)
    first = ask(site, HTTP_ACCEPT_ENCODING="gzip, br")
    second = ask(site, HTTP_ACCEPT_ENCODING="gzip, br")
    assert first == second
    assert len(calls) == 1
    assert first[1]["Content-Encoding"] == "br"
    assert b"xin chao" in brotli.decompress(first[2])
    assert b"xin chao" in gzip.decompress(ask(site, HTTP_ACCEPT_ENCODING="gzip")[2])


def test_a_reader_who_has_the_page_gets_304() -> None:
    """The ETag spares the download."""
    site = PageCache(counting_site([], **{"Cache-Control": "public"}), lambda: 1)
    _status, headers, _body = ask(site)
    status, _headers, body = ask(site, HTTP_IF_NONE_MATCH=headers["ETag"])
    assert (status, body) == ("304 Not Modified", b"")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/vi/desk/", {"Cache-Control": "public"}),
        ("/vi/help/abc", {"Cache-Control": "public"}),
        ("/vi/", {"Cache-Control": "no-store"}),
        ("/vi/", {"Cache-Control": "public", "Set-Cookie": "a=b"}),
        ("/vi/", {}),
    ],
)
def test_personal_answers_are_never_kept(path: str, headers: dict[str, str]) -> None:
    """A staff page, a page with a cookie, a page that is not said to be public."""
    calls: list[str] = []
    site = PageCache(counting_site(calls, **headers), lambda: 1)
    ask(site, path)
    ask(site, path)
    assert len(calls) == 2


def test_an_unknown_parameter_is_answered_but_not_kept() -> None:
    """Nobody can fill the memory, or another reader's links, with parameters of their own."""
    calls: list[str] = []
    site = PageCache(counting_site(calls, **{"Cache-Control": "public"}), lambda: 1)
    ask(site, QUERY_STRING="utm=1")
    ask(site, QUERY_STRING="utm=1")
    assert len(calls) == 2


def test_a_burst_of_first_visits_renders_once() -> None:
    """Twenty people open the same new page at once."""
    calls: list[str] = []
    site = PageCache(counting_site(calls, **{"Cache-Control": "public"}), lambda: 1)
    threads = [threading.Thread(target=ask, args=(site,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_memory_is_bounded() -> None:
    """Many different pages push out the oldest."""
    public = counting_site([], **{"Cache-Control": "public"})
    site = PageCache(public, lambda: 1, most_bytes=40_000, most_bytes_asked=20_000)
    for number in range(100):
        ask(site, f"/vi/{number}")
        ask(site, QUERY_STRING=f"q={number}")
    assert 50_000 < site.held <= 60_000


@pytest.mark.parametrize(
    "made_up",
    [
        lambda number: {"QUERY_STRING": f"q={number}"},
        lambda number: {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": f"section#x{number}"},
        lambda number: {"PATH_INFO": "/api/v1/procedures", "HTTP_ACCEPT": f"a/{number}"},
        lambda number: {"HTTP_ACCEPT_ENCODING": f"gzip;q=0.{number}1, x{number}"},
        lambda number: {"HTTP_COOKIE": f"a={number}"},
        lambda number: {"HTTP_HOST": f"{number}.example"},
    ],
    ids=["question", "block", "accept", "encoding", "cookie", "host"],
)
def test_nobody_can_push_pages_out_with_made_up_requests(made_up: Any) -> None:
    """However many odd requests one visitor sends, the next reader's page is still there."""
    calls: list[str] = []
    site = PageCache(counting_site(calls, **{"Cache-Control": "public"}), lambda: 1, 40_000, 40_000)
    ask(site, "/vi/procedures/1.001193")
    for number in range(100):
        ask(site, **{"PATH_INFO": "/vi/", **made_up(number)})
    calls.clear()
    ask(site, "/vi/procedures/1.001193")
    assert calls == []


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000, gzip;q=0.5", "gzip"),
        ("BR", "br"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("identity", ""),
        ("brotli-x, sbr", ""),
        ("gzip;q=0", ""),
        ("", ""),
    ],
)
def test_a_browser_gets_an_encoding_that_it_takes(accepted: str, encoding: str) -> None:
    """Refused is refused, and whatever is unknown is answered as it is."""
    site = PageCache(counting_site([], **{"Cache-Control": "public"}), lambda: 1)
    headers = ask(site, HTTP_ACCEPT_ENCODING=accepted)[1]
    assert headers.get("Content-Encoding", "") == encoding
    assert "Accept-Encoding" in headers["Vary"]


def test_a_parameter_said_twice_is_kept_as_it_was_said() -> None:
    """Pages read the first one; the next reader's order must not be answered with somebody else's."""
    calls: list[str] = []
    site = PageCache(counting_site(calls, **{"Cache-Control": "public"}), lambda: 1)
    ask(site, QUERY_STRING="q=b&q=a")
    ask(site, QUERY_STRING="q=a&q=b")
    ask(site, QUERY_STRING="page=2&q=a")
    ask(site, QUERY_STRING="q=a&page=2")
    assert len(calls) == 3


def test_pages_that_are_here_stay_when_the_database_is_away() -> None:
    """A reader need not notice that the version cannot be looked up."""
    calls: list[str] = []
    versions = iter([1])

    def version() -> int:
        try:
            return next(versions)
        except StopIteration:
            raise ConnectionError from None

    site = PageCache(counting_site(calls, **{"Cache-Control": "public"}), version)
    ask(site)
    site._looked_at -= 2
    assert ask(site)[0] == "200 OK"
    assert len(calls) == 1


def test_a_hostile_host_header_reaches_no_page(app: Flask, visitor: Visitor) -> None:
    """Absolute addresses come from the settings only."""
    for path in (
        "/vi/",
        "/vi/about",
        "/vi/procedures/",
        "/sitemap.xml",
        "/vi/notices.atom",
        "/api/v1/openapi.json",
    ):
        first = visitor.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert first.status_code == 200, path
        assert "evil.example" not in first.get_data(as_text=True) + visitor.get(path).get_data(as_text=True)


def test_what_an_editor_publishes_is_seen_within_two_seconds(app: Flask, visitor: Visitor) -> None:
    """The version in the database empties the memory."""
    assert visitor.get("/vi/").headers["Surrogate-Key"] == "content"
    cache = app.extensions["pages"]
    before = cache._known_version
    transaction(content_changed)()
    cache._looked_at -= 2
    visitor.get("/vi/")
    assert cache._known_version != before


def test_no_address_of_staff_comes_near_the_memory(app: Flask) -> None:
    """By its very name, before anybody is asked who they are."""
    kept = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if access.audience_of(app, rule.endpoint) != access.PUBLIC
        and _may_be_kept(rule.rule.replace("<lang:lang>", "vi"))
        and not rule.rule.startswith("/api/v1/")
    ]
    assert kept == []


def test_staff_pages_say_no_store(app: Flask) -> None:
    """Neither browsers nor anything between keep what only staff may see."""
    person = staff_of(app, "chi", "admin")
    assert person.get("/vi/admin/").headers["Cache-Control"] == "no-store"

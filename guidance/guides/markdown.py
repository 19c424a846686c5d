"""Short Markdown into safe HTML: links inside the site by name, links out of it only to gov.vn."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import nh3
from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_TAGS = {"p", "a", "strong", "em", "code", "ul", "ol", "li", "br", "h2", "h3", "h4", "blockquote", "table",
         "thead", "tbody", "tr", "th", "td", "hr"}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "rel"}}
MOST_KEPT = 4_000  # texts in HTML, by worker; the same lines come back on many pages
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")


def _any_link(_url: str) -> bool:
    return True  # _address decides, nh3 cleans


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt  # to draw a guide's page, which is seldom

    reader = MarkdownIt("commonmark", {"html": False, "breaks": False}).enable("table")
    reader.validateLink = _any_link  # type: ignore[method-assign,assignment]  # its way of configuring
    return reader


def _address(target: str, lang: str, outside: bool) -> str | None:
    kind, _colon, name = target.partition(":")
    name, _hash, part = name.partition("#")
    if kind in {"guide", "procedure"} and _NAME.fullmatch(name):
        return f"/{lang}/{kind}s/{quote(name)}" + (f"#{quote(part)}" if part else "")
    if kind in {"tel", "sms"} and re.fullmatch(r"[+\d.\- ]+", name):
        return f"{kind}:{re.sub(r'[^+0-9]', '', name)}" if outside else None
    try:
        host = urlsplit(target).hostname or ""
    except ValueError:
        return None
    if target.startswith("https://") and (host == "gov.vn" or host.endswith(".gov.vn")):
        return target if outside else None
    return None


def _aim(tokens: list[Token], lang: str, outside: bool) -> None:
    """Give every link its address in the reader's language; a link that may not be followed becomes plain text."""
    for token in tokens:
        if not token.children:
            continue
        kept: list[Token] = []
        open_links: list[bool] = []
        for child in token.children:
            if child.type == "link_open":
                address = _address(str(child.attrGet("href") or ""), lang, outside)
                open_links.append(address is not None)
                if address is None:
                    continue
                child.attrs = {"href": address}
                if address.startswith("https:"):
                    child.attrSet("rel", "external")
            elif child.type == "link_close" and not open_links.pop():
                continue
            kept.append(child)
        token.children = kept


def _clean(html: str) -> Markup:
    return Markup(  # noqa: S704 -- nh3 lets through only the tags and attributes above  # nosec B704
        nh3.clean(
            html, tags=_TAGS, attributes=_ATTRIBUTES, link_rel=None, url_schemes={"https", "tel", "sms"}
        )
    )


@lru_cache(maxsize=MOST_KEPT)
def block(text: str, lang: str, outside: bool = True) -> Markup:
    """Paragraphs of Markdown as HTML; without `outside` no link leaves the site."""
    reader = _reader()
    tokens = reader.parse(text or "")
    _aim(tokens, lang, outside)
    return _clean(reader.renderer.render(tokens, reader.options, {}))


@lru_cache(maxsize=MOST_KEPT)
def inline(text: str, lang: str, outside: bool = True) -> Markup:
    """One line of Markdown as HTML, without a paragraph around it."""
    reader = _reader()
    tokens = reader.parseInline(text or "")
    _aim(tokens, lang, outside)
    return _clean(reader.renderer.render(tokens, reader.options, {}))


def plain(text: str) -> str:
    """The words alone, for titles, descriptions and machines."""
    return unescape(nh3.clean(str(inline(text, "vi", outside=False)), tags=set())).strip()

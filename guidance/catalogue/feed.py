"""Notices and changes of procedures as Atom feeds (RFC 4287)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from guidance.catalogue.notices import Told

NAMESPACE = "http://www.w3.org/2005/Atom"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class Item(NamedTuple):
    """One entry of a feed; `id` and `url` are absolute addresses."""

    id: str
    url: str
    title: str
    lang: str
    updated: datetime
    term: str
    text: str


def atom(items: Sequence[Item], lang: str, title: str, page: str, address: str) -> bytes:
    """The feed as UTF-8 XML; `page` and `address` are absolute."""
    from xml.etree import ElementTree as Xml  # nosec B405

    Xml.register_namespace("", NAMESPACE)
    root = Xml.Element(f"{{{NAMESPACE}}}feed", {LANG: lang})

    def add(parent: Xml.Element, name: str, text: str = "", **attributes: str) -> Xml.Element:
        element = Xml.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
        element.text = text or None
        return element

    newest = max((item.updated for item in items), default=None)
    add(root, "id", address)
    add(root, "title", title)
    add(root, "updated", newest.isoformat(timespec="seconds") if newest else "1970-01-01T00:00:00+00:00")
    add(root, "link", rel="self", type="application/atom+xml", href=address)
    add(root, "link", rel="alternate", type="text/html", href=page)
    author = add(root, "author")
    add(author, "name", title)
    for item in items:
        entry = Xml.SubElement(root, f"{{{NAMESPACE}}}entry", {LANG: item.lang} if item.lang != lang else {})
        add(entry, "id", item.id)
        add(entry, "title", item.title)
        add(entry, "updated", item.updated.isoformat(timespec="seconds"))
        add(entry, "link", rel="alternate", type="text/html", href=item.url)
        add(entry, "category", term=item.term)
        add(entry, "content", item.text, type="text")
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def notice_items(notices: Sequence[Told], page: str) -> list[Item]:
    """Notices as entries that lead to their place on the page of notices."""
    return [
        Item(
            f"{page}#{told.key}",
            f"{page}#{told.key}",
            told.title,
            told.lang,
            told.published_at,
            told.kind,
            f"{told.body}\n{told.source}",
        )
        for told in notices
    ]

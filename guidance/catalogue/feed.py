"""Notices as an Atom feed (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from guidance.catalogue.notices import Told

NAMESPACE = "http://www.w3.org/2005/Atom"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def atom(notices: Sequence[Told], lang: str, title: str, page: str, address: str) -> bytes:
    """The feed as UTF-8 XML; `page` and `address` are absolute."""
    Xml.register_namespace("", NAMESPACE)
    root = Xml.Element(f"{{{NAMESPACE}}}feed", {LANG: lang})

    def add(parent: Xml.Element, name: str, text: str = "", **attributes: str) -> Xml.Element:
        element = Xml.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
        element.text = text or None
        return element

    newest = max((told.published_at for told in notices), default=None)
    add(root, "id", address)
    add(root, "title", title)
    add(root, "updated", newest.isoformat(timespec="seconds") if newest else "1970-01-01T00:00:00+00:00")
    add(root, "link", rel="self", type="application/atom+xml", href=address)
    add(root, "link", rel="alternate", type="text/html", href=page)
    author = add(root, "author")
    add(author, "name", title)
    for told in notices:
        entry = Xml.SubElement(root, f"{{{NAMESPACE}}}entry", {LANG: told.lang} if told.lang != lang else {})
        add(entry, "id", f"{page}#{told.key}")
        add(entry, "title", told.title)
        add(entry, "updated", told.published_at.isoformat(timespec="seconds"))
        add(entry, "link", rel="alternate", type="text/html", href=f"{page}#{told.key}")
        add(entry, "category", term=told.kind)
        add(entry, "content", f"{told.body}\n{told.source}", type="text")
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written

"""The sitemap: every public page in every language it is written in, each naming the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from guidance.catalogue import queries as catalogue
from guidance.guides import queries as guides
from guidance.i18n import VIETNAM

PAGES = (
    "", "procedures/", "guides/", "check", "places/", "help", "notices/", "adoption/", "about", "privacy",
    "accessibility",
)  # fmt: skip
MOST_ADDRESSES = 50_000  # what one sitemap may hold


def _entries(languages: Sequence[str]) -> Iterator[tuple[str, Sequence[str], datetime | None]]:
    """Address after the language, the languages it is worth reading in, and when it changed.

    A procedure without guidance is only the official Vietnamese text: it stands in the first language alone.
    """
    for page in PAGES:
        yield page, languages, None
    for slug, changed in guides.changes():
        yield f"guides/{slug}", languages, changed
    for procedure in catalogue.published():
        spoken = languages if procedure.has_guidance else languages[:1]
        yield f"procedures/{procedure.key}", spoken, procedure.changed_at


def document(site: str, languages: Sequence[str]) -> str:
    """The sitemap as XML; `site` is the absolute address of the site, the first language is the default."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">',
    ]
    count = 0
    for path, spoken, changed in _entries(languages):
        addresses = {lang: escape(f"{site}/{lang}/{path}") for lang in spoken}
        others = "".join(
            f'<xhtml:link rel="alternate" hreflang="{lang}" href="{address}"/>'
            for lang, address in [*addresses.items(), ("x-default", addresses[spoken[0]])]
            if len(addresses) > 1
        )
        when = f"<lastmod>{changed.astimezone(VIETNAM).date().isoformat()}</lastmod>" if changed else ""
        if count + len(addresses) > MOST_ADDRESSES:
            break
        count += len(addresses)
        lines.extend(f"<url><loc>{address}</loc>{when}{others}</url>" for address in addresses.values())
    lines.append("</urlset>\n")
    return "\n".join(lines)

"""A guide as data for other systems: plain JSON, and schema.org."""

from __future__ import annotations

from typing import Any

from guidance.guides.markdown import plain
from guidance.guides.queries import GuidePage


def as_json(page: GuidePage) -> dict[str, Any]:
    """The guide with everything a reader sees; texts are short Markdown, `source` names an entry of `sources`."""
    return {
        "slug": page.slug,
        "lang": page.lang,
        "languages": sorted(page.languages),
        "group": page.group,
        "title": page.title,
        "summary": page.summary,
        "body": page.body,
        "verified_on": page.verified_on,
        "review_by": page.review_by.isoformat() if page.review_by else None,
        "version": page.version,
        "changed_at": page.changed_at.isoformat(timespec="seconds"),
        "prepare": [item._asdict() for item in page.prepare],
        "steps": [
            step._asdict() | {"trouble": [one._asdict() for one in step.trouble]} for step in page.steps
        ],
        "trouble": [one._asdict() for one in page.trouble],
        "facts": {name: fact._asdict() for name, fact in page.facts.items()},
        "result": page.result._asdict() if page.result else None,
        "staff": [item._asdict() for item in page.staff],
        "sources": {key: source.model_dump() for key, source in page.sources.items()},
        "procedures": [card.key for card in page.procedures],
        "related": [card.slug for card in page.related],
        "life_events": list(page.life_events),
        "systems": list(page.systems),
    }


def schema_org(page: GuidePage, address: str) -> dict[str, Any]:
    """The guide as a schema.org Article that is about the procedures it helps with; `address` is absolute."""
    home = address.rpartition("/guides/")[0]
    return {
        "@context": "https://schema.org",
        "@type": "Article",
        "@id": address,
        "url": address,
        "headline": plain(page.title),
        "description": plain(page.summary),
        "inLanguage": page.lang,
        "dateModified": page.changed_at.isoformat(timespec="seconds"),
        "articleSection": [plain(step.do) for step in page.steps],
        "about": [
            {
                "@type": "GovernmentService",
                "@id": f"{home}/procedures/{card.key}",
                "identifier": card.key,
                "name": card.name,
            }
            for card in page.procedures
        ],
        "citation": [source.url for source in page.sources.values() if source.url],
    }

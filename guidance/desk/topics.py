"""What help can be about: a procedure, a guide, or a general question; its name, version, online level and steps."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import bindparam, func, or_, select

from guidance.catalogue import queries as catalogue
from guidance.catalogue.models import FormerKey, Procedure, ProcedureCard, RecordVersion
from guidance.config import PROJECT
from guidance.db import db, rows_of
from guidance.guides import queries as guides
from guidance.guides.models import Guide, GuideVersion
from guidance.search import current as search

GENERAL = "general"
_GUIDES = PROJECT / "guidance" / "content" / "guides"


class Known(NamedTuple):
    """A topic as a case stores it: what it was about, in which version, and how far it was online that day."""

    topic: str
    version: str = ""
    online_level: str = ""


class Named(NamedTuple):
    """A topic with its name in a language and its page on this site."""

    topic: str
    name: str
    path: str


class StepBeside(NamedTuple):
    """One step to follow while helping; `careful` names the warning that belongs to it."""

    id: str
    text: str
    detail: str
    careful: str | None
    trouble: tuple[tuple[str, str, str], ...]


class Beside(NamedTuple):
    """A guide or procedure as it stands beside the log."""

    topic: str
    name: str
    lang: str
    path: str
    steps: tuple[StepBeside, ...]
    bring: tuple[str, ...]
    outcome: str


@cache
def _shipped_guides() -> frozenset[str]:
    return frozenset(path.name.partition(".")[0] for path in _GUIDES.glob("*.vi.md"))


def known(topic: str) -> Known | None:
    """The topic as it stands today, None when there is no such thing.

    A code that was replaced is kept as given while its procedure is still known, else its successor is taken.
    """
    kind, _colon, key = topic.partition(":")
    if topic == GENERAL:
        return Known(GENERAL)
    if kind == "procedure" and key:
        return _known_procedure(key)
    if kind == "guide" and key:
        return _known_guide(key)
    return None


# Every save of a case asks one of these.
_PROCEDURE = (
    select(
        Procedure.key,
        ProcedureCard.online,
        select(func.max(RecordVersion.number))
        .where(RecordVersion.procedure_id == Procedure.id)
        .scalar_subquery()
        .label("version"),
    )
    .join(ProcedureCard, ProcedureCard.procedure_id == Procedure.id, isouter=True)
    .where(or_(Procedure.key == bindparam("key"), Procedure.code == bindparam("key")))
    .where(Procedure.status != "draft")
    .limit(1)
)
_GUIDE = select(
    select(func.max(GuideVersion.number))
    .where(GuideVersion.guide_id == Guide.id, GuideVersion.lang == "vi")
    .scalar_subquery()
    .label("version")
).where(Guide.slug == bindparam("slug"))


def _known_procedure(key: str) -> Known | None:
    for row in rows_of(_PROCEDURE, key=key):
        return Known(f"procedure:{row.key}", str(row.version or ""), row.online or "")
    successor = db.session.scalar(select(FormerKey.successor_key).where(FormerKey.key == key))
    return _known_procedure(successor) if successor and successor != key else None


def _known_guide(slug: str) -> Known | None:
    for row in rows_of(_GUIDE, slug=slug):
        return Known(f"guide:{slug}", str(row.version or ""))
    return Known(f"guide:{slug}") if slug in _shipped_guides() else None


def names(topics: Iterable[str], lang: str) -> dict[str, Named]:
    """Names and pages of topics; one that is no longer published is named by its code."""
    wanted = set(topics)
    keys = [topic.partition(":")[2] for topic in wanted if topic.startswith("procedure:")]
    slugs = [topic.partition(":")[2] for topic in wanted if topic.startswith("guide:")]
    cards = catalogue.cards(keys, lang) if keys else {}
    titles = {card.slug: card.title for card in guides.cards(slugs, lang)} if slugs else {}
    found: dict[str, Named] = {}
    for topic in wanted:
        kind, _colon, key = topic.partition(":")
        if topic == GENERAL:
            found[topic] = Named(topic, _("General question"), f"/{lang}/search")
        elif kind == "procedure":
            name = cards[key].name if key in cards else key
            found[topic] = Named(topic, name, f"/{lang}/procedures/{key}")
        else:
            found[topic] = Named(topic, titles.get(key, key), f"/{lang}/guides/{key}")
    return found


def name(topic: str, lang: str) -> Named:
    """Name and page of one topic."""
    return names([topic], lang)[topic]


def matching(question: str, lang: str, limit: int = 8) -> list[Named]:
    """Guides and procedures for what somebody types, as the site's search ranks them."""
    if not question.strip():
        return []
    hits = search.index().suggest(question, lang)[:limit]
    return [
        Named(
            f"{hit.kind}:{hit.key}",
            hit.title,
            f"/{lang}/{'guides' if hit.kind == 'guide' else 'procedures'}/{hit.key}",
        )
        for hit in hits
    ]


def _likely_outcome(topic: str, systems: Sequence[str]) -> str:
    if topic.startswith("procedure:") or "portal" in systems:
        return "submitted"
    return "activated" if {"vneid", "vssid"} & set(systems) else "home"


def beside(topic: str, lang: str) -> Beside | None:
    """The steps of a guide or procedure to follow while helping; None where nothing is written about it."""
    kind, _colon, key = topic.partition(":")
    if kind == "guide":
        page = guides.guide_page(key, lang)
        if page is None:
            return None
        steps = tuple(
            StepBeside(
                str(step.number),
                step.do,
                step.detail,
                step.careful,
                tuple((one.when, one.then, one.reason or "") for one in step.trouble),
            )
            for step in page.steps
        )
        bring = tuple(item.text for item in page.prepare)
        return Beside(
            topic,
            page.title,
            page.lang,
            f"/{lang}/guides/{key}",
            steps,
            bring,
            _likely_outcome(topic, page.systems),
        )
    if kind == "procedure":
        return _procedure_beside(topic, key, lang)
    return None


def _procedure_beside(topic: str, key: str, lang: str) -> Beside | None:
    page = catalogue.page(key, lang)
    if page is None:
        return None
    said = page.words
    lines = (said.online or said.counter) if said else []
    steps = tuple(
        StepBeside(str(number), line.text, "", None, ()) for number, line in enumerate(lines, start=1)
    )
    bring: list[str] = []
    if said:
        bring = [paper.text for one_case in said.bring[:1] for paper in one_case.items]
    elif page.documents:
        bring = [paper.name for paper in page.documents[0].papers]
    return Beside(
        topic,
        page.name,
        page.words_lang if said else page.name_lang,
        f"/{lang}/procedures/{key}",
        steps,
        tuple(bring),
        _likely_outcome(topic, ()) if page.online != "counter" else "counter",
    )


def for_the_device(lang: str, most: int = 400) -> list[Named]:
    """Every guide and the procedures that a commune meets most: what the type-ahead knows without network."""
    found = [Named(GENERAL, _("General question"), f"/{lang}/search")]
    for group in guides.all_guides(lang):
        found += [
            Named(f"guide:{card.slug}", card.title, f"/{lang}/guides/{card.slug}") for card in group.cards
        ]
    query = (
        select(ProcedureCard.key)
        .order_by(
            ProcedureCard.has_guidance.desc(),
            ProcedureCard.levels.contains(" commune ").desc(),
            ProcedureCard.key,
        )
        .limit(most)
    )
    keys = db.session.scalars(query).all()
    cards = catalogue.cards(keys, lang) if keys else {}
    return found + [
        Named(f"procedure:{key}", cards[key].name, f"/{lang}/procedures/{key}")
        for key in keys
        if key in cards
    ]

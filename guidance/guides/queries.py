"""What pages need of guides: lists, one guide's worth in a language, versions."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from guidance.catalogue import queries as catalogue
from guidance.db import db
from guidance.guides import format as guide_format
from guidance.guides.models import Guide, GuideText, GuideVersion

if TYPE_CHECKING:
    from guidance.catalogue.shapes import Source
    from guidance.guides.shapes import Content, Facts, Words


class Card(NamedTuple):
    """A guide in a list; its words are in `lang`, which may not be the reader's."""

    slug: str
    title: str
    lang: str
    summary: str
    group: str


class Group(NamedTuple):
    """Guides that belong together, in their order."""

    slug: str
    cards: tuple[Card, ...]


class Entry(NamedTuple):
    """One sentence, and the key of its source."""

    text: str
    source: str | None


class TroubleEntry(NamedTuple):
    """What may go wrong, what to do then, its source's key, and the reason the desk log calls it by."""

    when: str
    then: str
    source: str | None
    reason: str | None


class StepEntry(NamedTuple):
    """One action with its own troubles; `careful` says which fraud warning stands under it."""

    number: int
    do: str
    detail: str
    source: str | None
    careful: str | None
    trouble: tuple[TroubleEntry, ...]


class GuidePage(NamedTuple):
    """Everything on the page of one guide; the words are in `lang`, which may not be the reader's."""

    slug: str
    group: str
    lang: str
    title: str
    summary: str
    body: str
    prepare: tuple[Entry, ...]
    steps: tuple[StepEntry, ...]
    trouble: tuple[TroubleEntry, ...]
    facts: dict[str, Entry]
    result: Entry | None
    staff: tuple[Entry, ...]
    verified_on: str | None
    review_by: date | None
    owner: str
    version: int
    changed_at: datetime
    life_events: tuple[str, ...]
    systems: tuple[str, ...]
    sources: "dict[str, Source]"
    procedures: tuple[catalogue.Card, ...]
    related: tuple[Card, ...]
    languages: tuple[str, ...]


class Due(NamedTuple):
    """A guide whose review date has come."""

    slug: str
    title: str
    owner: str
    review_by: date | None
    starter_waiting: bool


def _preferred(lang: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((lang, "en" if lang == "ur" else "vi", "vi")))


def _cards(lang: str, slugs: Iterable[str] | None = None) -> list[Card]:
    query = (
        select(Guide.slug, Guide.group, GuideText.lang, GuideText.title, GuideText.summary)
        .join(GuideText, GuideText.guide_id == Guide.id)
        .where(Guide.published, GuideText.lang.in_(_preferred(lang)))
        .order_by(Guide.position, Guide.slug)
    )
    if slugs is not None:
        query = query.where(Guide.slug.in_(list(slugs)))
    rank = {code: place for place, code in enumerate(_preferred(lang))}
    best: dict[str, Card] = {}
    for slug, group, text_lang, title, summary in db.session.execute(query):
        if slug not in best or rank[text_lang] < rank[best[slug].lang]:
            best[slug] = Card(slug, title, text_lang, summary, group)
    return list(best.values())


def all_guides(lang: str) -> list[Group]:
    """Every published guide, by group, in their order; the nearest language where the reader's is missing."""
    cards = _cards(lang)
    groups = [
        Group(group, tuple(card for card in cards if card.group == group)) for group in guide_format.GROUPS
    ]
    return [group for group in groups if group.cards]


def page_of_cards(lang: str, limit: int, after: str = "") -> tuple[list[Card], str | None]:
    """Cards by slug, those after one slug, and the slug to go on after (None at the end)."""
    query = (
        select(Guide.slug).where(Guide.published, Guide.slug > after).order_by(Guide.slug).limit(limit + 1)
    )
    slugs = list(db.session.scalars(query))
    return cards(slugs[:limit], lang), slugs[limit - 1] if len(slugs) > limit else None


def cards(slugs: Sequence[str], lang: str) -> list[Card]:
    """Cards of published guides, in the order asked for; unknown slugs are left out."""
    found = {card.slug: card for card in _cards(lang, slugs)}
    return [found[slug] for slug in slugs if slug in found]


def guides_for_procedure(key: str, lang: str) -> list[Card]:
    """The guides that help with a procedure, in the order of their group."""
    return _cards(lang, [reference.removeprefix("guide:") for reference in catalogue.guides_of(key)])


def guides_for_life_event(event: str, lang: str) -> list[Card]:
    """The guides that belong to a moment of life."""
    query = select(Guide.slug, Guide.facts).where(Guide.published).order_by(Guide.position, Guide.slug)
    slugs = [slug for slug, facts in db.session.execute(query) if event in facts.get("life_events", ())]
    return cards(slugs, lang)


def published_slugs() -> list[str]:
    """Slugs of all published guides."""
    return list(db.session.scalars(select(Guide.slug).where(Guide.published).order_by(Guide.slug)))


def changes() -> list[tuple[str, datetime]]:
    """Published guides and when each was last changed."""
    query = select(Guide.slug, Guide.changed_at).where(Guide.published)
    rows = db.session.execute(query.order_by(Guide.position, Guide.slug))
    return [(slug, changed) for slug, changed in rows]


def _words(row: Any, slug: str) -> "Words":
    return guide_format.words_of(
        {
            "slug": slug,
            "lang": row.lang,
            "title": row.title,
            "summary": row.summary,
            "keywords": row.keywords,
            "body": row.body,
        }
        | row.content
    )


def _texts(guide_id: int) -> dict[str, Any]:
    rows = db.session.execute(select(GuideText.__table__).where(GuideText.guide_id == guide_id))
    return {row.lang: row for row in rows}


def guide_page(slug: str, lang: str) -> GuidePage | None:
    """One published guide in the reader's language or the nearest one there is; None when there is none."""
    guide = db.session.execute(
        select(Guide.__table__).where(Guide.slug == slug, Guide.published)
    ).one_or_none()
    if guide is None:
        return None
    texts = _texts(guide.id)
    chosen = next((code for code in _preferred(lang) if code in texts), None)
    if chosen is None:
        return None
    row, facts = texts[chosen], guide_format.facts_of(guide.facts)
    original = guide_format.content_of(texts["vi"].content) if "vi" in texts else None
    content = guide_format.content_of(row.content)
    if original is not None and chosen != "vi":
        content = guide_format.with_marks(original, content)
    return _page(guide, row, content, facts, lang, tuple(texts))


def _page(
    guide: Any, row: Any, content: "Content", facts: "Facts", lang: str, languages: tuple[str, ...]
) -> GuidePage:
    def entry(item: Any) -> Entry:
        return Entry(item.text, item.source)

    def troubles(found: Iterable[Any]) -> tuple[TroubleEntry, ...]:
        return tuple(TroubleEntry(one.when, one.then, one.source, one.reason) for one in found)

    procedure_cards = catalogue.cards(facts.procedures, lang) if facts.procedures else {}
    return GuidePage(
        slug=guide.slug,
        group=guide.group_name,
        lang=row.lang,
        title=row.title,
        summary=row.summary,
        body=row.body,
        prepare=tuple(entry(item) for item in content.prepare),
        steps=tuple(
            StepEntry(
                number,
                step.do,
                step.detail or "",
                step.source,
                step.careful,
                troubles(step.trouble),
            )
            for number, step in enumerate(content.steps, start=1)
        ),
        trouble=troubles(content.trouble),
        facts={
            name: entry(content.facts[name]) for name in ("where", "time", "fee") if name in content.facts
        },
        result=entry(content.result) if content.result else None,
        staff=tuple(entry(item) for item in content.staff),
        verified_on=guide.verified_on,
        review_by=guide.review_by,
        owner=guide.owner,
        version=_latest_version(guide.id, row.lang),
        changed_at=guide.changed_at,
        life_events=tuple(facts.life_events),
        systems=tuple(facts.systems),
        sources=facts.sources,
        procedures=tuple(procedure_cards[key] for key in facts.procedures if key in procedure_cards),
        related=tuple(cards(facts.related, lang)),
        languages=languages,
    )


def _latest_version(guide_id: int, lang: str) -> int:
    query = select(func.max(GuideVersion.number))
    return db.session.scalar(query.where(GuideVersion.guide_id == guide_id, GuideVersion.lang == lang)) or 0


def words_of(slug: str, lang: str) -> "Words | None":
    """A guide's words in exactly this language (the Vietnamese ones with everything they carry), for editing."""
    guide = db.session.execute(select(Guide.__table__).where(Guide.slug == slug)).one_or_none()
    row = _texts(guide.id).get(lang) if guide is not None else None
    if guide is None or row is None:
        return None
    words = _words(row, slug)
    if lang != "vi":
        return words
    more = {
        "group": guide.group_name,
        "order": guide.position,
        "owner": guide.owner,
        "verified_on": guide.verified_on,
        "review_by": guide.review_by,
    }
    return guide_format.original_of(words.model_dump() | more | guide.facts)


def due(on: date) -> list[Due]:
    """Guides whose review date has come or that have new starter text waiting, the oldest first."""
    query = (
        select(Guide.slug, GuideText.title, Guide.owner, Guide.review_by, Guide.starter_waiting)
        .join(GuideText, GuideText.guide_id == Guide.id)
        .where(GuideText.lang == "vi", (Guide.review_by <= on) | Guide.starter_waiting)
        .order_by(Guide.review_by, Guide.slug)
    )
    return [Due(*row) for row in db.session.execute(query)]


def published_words() -> "list[tuple[Words, Facts]]":
    """Every language of every published guide with the guide's facts, for the search index."""
    rows = db.session.execute(
        select(GuideText.__table__, Guide.slug, Guide.facts)
        .join(Guide, Guide.id == GuideText.guide_id)
        .where(Guide.published)
        .order_by(Guide.slug, GuideText.lang)
    )
    return [(_words(row, row.slug), guide_format.facts_of(row.facts)) for row in rows]

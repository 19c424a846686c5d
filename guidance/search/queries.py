"""Published content as documents of the index, the vocabulary as it stands, and what was asked in vain."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import select

from guidance.catalogue.models import (
    FormerKey,
    Guidance,
    OfficialDocument,
    OfficialRecord,
    PlainName,
    ProcedureCard,
)
from guidance.db import content_version, db
from guidance.guides import queries as guides
from guidance.search.documents import Document
from guidance.search.models import SearchCount, SearchPhrases, SearchWord
from guidance.search.vocabulary import Word, split
from guidance.text import fold

WEAK_PAPERS = 12  # papers of a record whose names are indexed


class Unanswered(NamedTuple):
    """Words that people asked in a month without finding what they meant."""

    words: str
    lang: str
    month: str
    asked: int
    empty: int
    opened: int


class TaughtWord(NamedTuple):
    """One line of the vocabulary as editors see it."""

    id: int
    kind: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    origin: str
    removed: bool


def state() -> str:
    """What the index has to show: the version of the published content."""
    return str(content_version())


def words() -> list[Word]:
    """The vocabulary as editors left it."""
    rows = db.session.execute(
        select(SearchWord.kind, SearchWord.source, SearchWord.target, SearchWord.weight)
        .where(SearchWord.removed.is_(False))
        .order_by(SearchWord.id)
    )
    return [Word(row.kind, split(row.source), split(row.target), row.weight) for row in rows]


def documents(only: Collection[str] | None = None) -> Iterator[Document]:
    """Every published procedure and guide, or `only` some subjects ("procedure:1.001193"), ready for the index."""
    phrases: dict[str, dict[str, tuple[str, ...]]] = {}
    asked = select(SearchPhrases.subject, SearchPhrases.lang, SearchPhrases.phrases)
    if only is not None:
        asked = asked.where(SearchPhrases.subject.in_(only))
    for row in db.session.execute(asked):
        phrases.setdefault(row.subject, {})[row.lang] = split(row.phrases)
    keys = (
        None
        if only is None
        else {one.removeprefix("procedure:") for one in only if one.startswith("procedure:")}
    )
    if keys is None or keys:
        yield from _procedures(phrases, keys)
    for guide in _guides(phrases) if only is None or any(one.startswith("guide:") for one in only) else ():
        if only is None or f"guide:{guide.key}" in only:
            yield guide


def _procedures(
    phrases: dict[str, dict[str, tuple[str, ...]]], keys: Collection[str] | None
) -> Iterator[Document]:
    cards = select(ProcedureCard.__table__).order_by(ProcedureCard.key)
    numbers = select(ProcedureCard.procedure_id)
    if keys is not None:
        cards = cards.where(ProcedureCard.key.in_(keys))
        numbers = numbers.where(ProcedureCard.key.in_(keys))
    plain: dict[str, dict[str, str]] = {}
    for code, lang, name in db.session.execute(select(PlainName.code, PlainName.lang, PlainName.name)):
        plain.setdefault(code, {})[lang] = name
    keywords: dict[int, dict[str, list[str]]] = {
        procedure_id: facts.get("keywords") or {}
        for procedure_id, facts in db.session.execute(
            select(Guidance.procedure_id, Guidance.facts).where(Guidance.procedure_id.in_(numbers))
        )
    }
    papers: dict[int, list[str]] = {}
    for paper in db.session.execute(
        select(OfficialDocument.procedure_id, OfficialDocument.name, OfficialDocument.form_file)
        .where(OfficialDocument.is_remark.is_(False), OfficialDocument.procedure_id.in_(numbers))
        .order_by(OfficialDocument.procedure_id, OfficialDocument.position)
    ):
        listed = papers.setdefault(paper.procedure_id, [])
        if len(listed) < WEAK_PAPERS:
            listed.append(f"{paper.form_file} {paper.name[:200]}")
    results: dict[int, list[dict[str, Any]]] = dict(
        db.session.execute(
            select(OfficialRecord.procedure_id, OfficialRecord.results).where(
                OfficialRecord.procedure_id.in_(numbers)
            )
        ).all()
    )
    former: dict[str, list[str]] = {}
    for old, today in db.session.execute(select(FormerKey.key, FormerKey.successor_key)):
        former.setdefault(today, []).append(old)
    for card in db.session.execute(cards):
        titles = {"vi": card.name_vi, "en": card.name_en, "ur": card.name_ur}
        wordings = dict(phrases.get(f"procedure:{card.key}", {}))
        for lang, own in keywords.get(card.procedure_id, {}).items():
            wordings[lang] = (*own, *wordings.get(lang, ()))
        for lang, name in plain.get(card.key, {}).items():
            if name != titles.get(lang):
                wordings[lang] = (name, *wordings.get(lang, ()))
        weak = [str(result.get("name") or "") for result in results.get(card.procedure_id) or ()]
        yield Document(
            "procedure",
            card.key,
            {lang: title for lang, title in titles.items() if title},
            card.official_name,
            wordings,
            {lang: summary for lang, summary in card.summary.items() if summary},
            sector=card.sector,
            agency=card.agency,
            levels=tuple(card.levels.split()),
            audience=tuple(card.audience.split()),
            online=card.online,
            life_events=tuple(card.life_events.split()),
            weak=" . ".join((*weak, *papers.get(card.procedure_id, ()))),
            starter=card.has_guidance,
            codes=tuple(sorted(former.get(card.key, ()))),
        )


def _guides(phrases: dict[str, dict[str, tuple[str, ...]]]) -> Iterator[Document]:
    titles: dict[str, dict[str, str]] = {}
    keywords: dict[str, dict[str, tuple[str, ...]]] = {}
    summaries: dict[str, dict[str, str]] = {}
    headings: dict[str, dict[str, tuple[str, ...]]] = {}
    events: dict[str, tuple[str, ...]] = {}
    for words_, facts in guides.published_words():
        slug, lang = words_.slug, words_.lang
        titles.setdefault(slug, {})[lang] = words_.title
        extra = phrases.get(f"guide:{slug}", {}).get(lang, ())
        keywords.setdefault(slug, {})[lang] = (*words_.keywords, *extra)
        summaries.setdefault(slug, {})[lang] = words_.summary
        troubles = [trouble.when for step in words_.steps for trouble in step.trouble]
        troubles += [trouble.when for trouble in words_.trouble]
        headings.setdefault(slug, {})[lang] = (*(step.do for step in words_.steps), *troubles)
        events[slug] = tuple(facts.life_events)
    for slug, shown in titles.items():
        yield Document(
            "guide",
            slug,
            shown,
            phrases=keywords[slug],
            summaries=summaries[slug],
            headings=headings[slug],
            life_events=events[slug],
            starter=True,
        )


def unanswered(month: str, limit: int = 200) -> list[Unanswered]:
    """What was asked in a month and found nothing, or was found and never opened; the most frequent first."""
    rows = db.session.execute(
        select(SearchCount.__table__)
        .where(SearchCount.month == month, (SearchCount.empty > 0) | (SearchCount.opened == 0))
        .order_by(SearchCount.asked.desc(), SearchCount.words)
        .limit(limit)
    )
    return [Unanswered(row.words, row.lang, row.month, row.asked, row.empty, row.opened) for row in rows]


def phrases_of(subject: str) -> dict[str, tuple[str, ...]]:
    """The phrases of a procedure or guide by language ("procedure:1.001193", "guide:vssid")."""
    rows: Iterable[tuple[str, str]] = db.session.execute(
        select(SearchPhrases.lang, SearchPhrases.phrases).where(SearchPhrases.subject == subject)
    ).all()
    return {lang: split(found) for lang, found in rows}


def phrases_state(subject: str) -> str:
    """A short name for exactly these phrases, to notice that somebody else changed them."""
    found = sorted(phrases_of(subject).items())
    return hashlib.blake2b(repr(found).encode(), digest_size=12).hexdigest()


def counted_months() -> list[str]:
    """The months whose questions were counted, the newest first."""
    return list(
        db.session.scalars(select(SearchCount.month).distinct().order_by(SearchCount.month.desc()).limit(24))
    )


def taught_word(number: int) -> TaughtWord | None:
    """One line of the vocabulary."""
    row = db.session.get(SearchWord, number)
    if row is None:
        return None
    return TaughtWord(row.id, row.kind, split(row.source), split(row.target), row.origin, row.removed)


def taught_words(kinds: Collection[str], question: str = "", removed: bool = False) -> list[TaughtWord]:
    """The words of some kinds in which all words asked for occur; what editors added first, the newest on top."""
    rows = db.session.execute(
        select(
            SearchWord.id,
            SearchWord.kind,
            SearchWord.source,
            SearchWord.target,
            SearchWord.origin,
            SearchWord.removed,
        )
        .where(SearchWord.kind.in_(kinds), SearchWord.removed.is_(removed))
        .order_by(SearchWord.origin != "editor", SearchWord.id.desc())
    )
    asked = fold(question).split()
    return [
        TaughtWord(row.id, row.kind, split(row.source), split(row.target), row.origin, row.removed)
        for row in rows
        if not asked or all(word in fold(f"{row.source} {row.target}") for word in asked)
    ]

"""The search engine as others use it: questions in, hits out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from guidance.search import bits
from guidance.search.clarify import Clarify, ask
from guidance.search.ranking import Ranked, Ranking, rank
from guidance.search.snapshot import Snapshot, Watched
from guidance.search.understanding import Question, understand

FILTERS = ("kind", "sector", "level", "online", "audience", "life_event")


class Hit(NamedTuple):
    """One result: what it is, what to show, and how near it came."""

    kind: str
    key: str
    title: str
    score: float
    official: str = ""
    summary: str = ""
    sector: str = ""
    levels: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    online: str | None = None
    title_lang: str = "vi"


class Found(NamedTuple):
    """The answer to a question: a page of hits, how many in all, and what helps to ask better.

    ``corrected`` is the question as it was understood when slips were repaired; ``words`` are the folded
    words to mark in results; ``facets`` counts the hits by each filter.
    """

    hits: list[Hit]
    total: int = 0
    clarify: Clarify | None = None
    corrected: str | None = None
    facets: Mapping[str, Mapping[str, int]] = {}
    words: tuple[str, ...] = ()


class Index:
    """The index file of this machine, always at its newest state; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened at the first question."""
        self._watched = Watched(path)

    def search(
        self,
        question: str,
        lang: str = "vi",
        filters: Mapping[str, str] | None = None,
        limit: int = 20,
        offset: int = 0,
        facets: bool = False,
    ) -> Found:
        """The best documents for a question in any language, titles in ``lang``; never raises on odd input."""
        index = self._watched.snapshot()
        asked = understand(question, index)
        found = _with_codes(asked, index, _allowed(filters or {}, index), offset + limit + 1)
        page = _hits(found.best[offset : offset + limit], lang, index)
        choice = None
        if not offset and not filters and not asked.codes:
            choice = ask(asked, found.best, index, lang)
        return Found(
            page,
            max(found.matching.bit_count(), offset + len(page)),
            choice,
            asked.corrected,
            _facets(found.matching, index) if facets else {},
            asked.asked,
        )

    def suggest(self, typed: str, lang: str = "vi", limit: int = 8) -> list[Hit]:
        """What a person may be about to ask, while they type."""
        index = self._watched.snapshot()
        asked = understand(typed, index, prefix=True)
        found = _with_codes(asked, index, index.documents, limit)
        return _hits(found.best[:limit], lang, index)

    def known(self, keys: Iterable[str]) -> set[str]:
        """Those of some codes and guides' names under which something can be found."""
        index = self._watched.snapshot()
        return {key for key in keys if index.is_key(key)}

    @property
    def content(self) -> str:
        """The state of the content that the index shows."""
        return self._watched.snapshot().content

    @property
    def count(self) -> int:
        """How many documents can be found."""
        return self._watched.snapshot().count


def _with_codes(asked: Question, index: Snapshot, allowed: int, wanted: int) -> Ranking:
    """Documents whose code was typed, then those that answer the words."""
    by_code: dict[int, Ranked] = {}
    for code in asked.codes:
        for number in index.with_code(code):
            if allowed >> number & 1:
                by_code.setdefault(number, Ranked(number, 9.0, 1.0))
    found = rank(asked, index, allowed, wanted)
    rest = [one for one in found.best if one.document not in by_code]
    return Ranking([*by_code.values(), *rest], found.matching | bits.from_numbers(by_code))


def _allowed(filters: Mapping[str, str], index: Snapshot) -> int:
    """The documents that fit all filters."""
    allowed = index.documents
    for name, value in filters.items():
        if value and name in FILTERS:
            allowed &= index.traits.get((name, value), 0)
    return allowed


def _facets(matching: int, index: Snapshot) -> dict[str, dict[str, int]]:
    """How many of the documents that match have each value of each filter, the most frequent values."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in FILTERS}
    for (name, value), documents in index.traits.items():
        count = (documents & matching).bit_count()
        if count:
            counts[name][value] = count
    return {name: dict(counter.most_common(12)) for name, counter in counts.items()}


def _hits(ranked: list[Ranked], lang: str, index: Snapshot) -> list[Hit]:
    hits = []
    for one in ranked:
        stored = index.card(one.document)
        if stored is None:
            continue
        kind, key, card = stored
        titles, summaries = card["titles"], card["summaries"]
        order = (lang, "en", "vi") if lang == "ur" else (lang, "vi")
        shown = next((one for one in order if titles.get(one)), "vi")
        hits.append(
            Hit(
                kind,
                key,
                titles.get(shown) or card["official"] or key,
                round(one.score, 3),
                card["official"],
                next((summaries[one] for one in order if summaries.get(one)), ""),
                card["sector"],
                tuple(card["levels"]),
                tuple(card["audience"]),
                card["online"],
                shown,
            )
        )
    return hits

"""The search engine as others use it: questions in, hits out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guidance.search.clarify import Clarify, ask
from guidance.search.index import Snapshot, Watched
from guidance.search.ranking import HASTY, WEIGHTS, Ranked, Weights, rank
from guidance.search.understanding import Question, understand

FILTERS = ("kind", "sector", "level", "online", "audience", "life_event")


@dataclass(frozen=True, slots=True)
class Hit:
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


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a question: a page of hits, how many in all, and what helps to ask better.

    ``corrected`` is the question as it was understood when slips were repaired; ``words`` are the folded
    words to mark in results; ``facets`` counts the hits by each filter.
    """

    hits: list[Hit]
    total: int = 0
    clarify: Clarify | None = None
    corrected: str | None = None
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
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
        allowed = _allowed(filters or {}, index)
        ranked, total = _with_codes(asked, index, allowed, offset + limit + 1)
        page = _hits(ranked[offset : offset + limit], lang, index)
        choice = None
        if not offset and not filters and not asked.codes:
            choice = ask(asked, ranked, index, lang)
        return Found(
            page,
            max(total, offset + len(page)),
            choice,
            asked.corrected,
            _facets(ranked, index) if facets else {},
            asked.asked,
        )

    def suggest(self, typed: str, lang: str = "vi", limit: int = 8) -> list[Hit]:
        """What a person may be about to ask, while they type."""
        index = self._watched.snapshot()
        asked = understand(typed, index, prefix=True)
        ranked, _ = _with_codes(asked, index, None, limit, HASTY)
        return _hits(ranked[:limit], lang, index)

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


def _with_codes(
    asked: Question,
    index: Snapshot,
    allowed: Callable[[int], bool] | None,
    wanted: int,
    weights: Weights = WEIGHTS,
) -> tuple[list[Ranked], int]:
    """Documents whose code was typed, then those that answer the words."""
    by_code: dict[int, Ranked] = {}
    for code in asked.codes:
        for number in index.with_code(code):
            if allowed is None or allowed(number):
                by_code.setdefault(number, Ranked(number, 9.0, 1.0))
    ranked, total = rank(asked, index, allowed, wanted, weights)
    rest = [one for one in ranked if one.document not in by_code]
    return [*by_code.values(), *rest], total + len(by_code)


def _allowed(filters: Mapping[str, str], index: Snapshot) -> Callable[[int], bool] | None:
    wanted = {name: value for name, value in filters.items() if value and name in FILTERS}
    if not wanted:
        return None

    def check(number: int) -> bool:
        trait = index.traits[number]
        return trait is not None and all(value in _values(trait, name) for name, value in wanted.items())

    return check


def _values(trait: tuple[Any, ...], name: str) -> tuple[str, ...]:
    """The values a document has under a filter."""
    found = trait[FILTERS_AT[name]]
    if isinstance(found, tuple):
        return found
    return (found,) if found else ()


FILTERS_AT = {"kind": 0, "sector": 1, "level": 2, "audience": 3, "online": 4, "life_event": 5}


def _facets(ranked: list[Ranked], index: Snapshot) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in FILTERS}
    for one in ranked:
        trait = index.traits[one.document]
        if trait is None or one.coverage < 0.45:
            continue
        for name, counter in counts.items():
            counter.update(_values(trait, name))
    return {name: dict(counter.most_common(12)) for name, counter in counts.items()}


def _hits(ranked: list[Ranked], lang: str, index: Snapshot) -> list[Hit]:
    cards = index.cards([one.document for one in ranked])
    hits = []
    for one in ranked:
        if one.document not in cards:
            continue
        kind, key, card = cards[one.document]
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

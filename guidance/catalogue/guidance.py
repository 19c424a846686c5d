"""Our guidance about a procedure: from what is stored or shipped, what it lacks, and its marks in other languages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guidance import content_files
from guidance.catalogue.models import LEVELS

if TYPE_CHECKING:
    from guidance.catalogue.shapes import GuidanceFacts, GuidanceWords, Source, StarterProcedure


def facts_of(stored: dict[str, Any] | None) -> GuidanceFacts:
    """Facts as the table holds them; empty ones where it holds none."""
    from guidance.catalogue.shapes import GuidanceFacts

    return GuidanceFacts.model_validate(stored) if stored else GuidanceFacts()


def words_of(name: str, summary: str, stored: dict[str, Any]) -> GuidanceWords:
    """Words in one language as the table holds them."""
    from guidance.catalogue.shapes import GuidanceWords

    return GuidanceWords.model_validate({"name": name, "summary": summary} | stored)


def source_of(title: str, url: str, verified_on: str | None) -> Source | None:
    """Who says something, as columns hold it; None where nobody is named."""
    from guidance.catalogue.shapes import Source

    return Source(title=title, url=url or None, verified_on=verified_on) if title else None


def read_starter(path: Path) -> StarterProcedure:
    """Read one starter file; raises ValueError with every problem in it."""
    from guidance.catalogue.shapes import StarterProcedure

    return content_files.shaped(StarterProcedure, content_files.read(path))


def missing_parts(starter: StarterProcedure) -> list[str]:
    """What a starter procedure lacks to be published."""
    missing = [] if set(starter.levels) <= set(LEVELS) and starter.levels else ["levels"]
    for part in (
        "agency",
        "hand_in",
        "help_at",
        "audience",
        "life_events",
        "channels",
        "sources",
        "review_by",
    ):
        if not getattr(starter, part):
            missing.append(part)
    used = {fact.channel for fact in starter.channels}
    for lang in ("vi", "en"):
        words = starter.words()[lang]
        for part in ("summary", "who", "bring", "result", "staff"):
            if not getattr(words, part):
                missing.append(f"{lang}.{part}")
        if "counter" in used and not words.counter:
            missing.append(f"{lang}.counter")
        if "online" in used and not words.online:
            missing.append(f"{lang}.online")
        if not words.counter and not words.online:
            missing.append(f"{lang}.counter or {lang}.online")
        if len(words.mistakes) < 2:
            missing.append(f"{lang}.mistakes (two)")
    missing.extend(f"ur.{part}" for part in ("name", "summary") if not getattr(starter.ur, part, ""))
    missing.extend(_missing_of_channels(starter))
    missing.extend(_unlike(starter.vi, starter.en))
    unknown = set(_used_sources(starter.model_dump(exclude={"sources"}))) - set(starter.sources)
    missing.extend(f"a source named {key!r}" for key in sorted(unknown))
    missing.extend(
        f"{part} has no source"
        for part in ("agency", "hand_in", "help_at")
        if getattr(starter, part) and getattr(starter, part).source is None
    )
    missing.extend(
        f"interlinked {number} has no source"
        for number, agency in enumerate(starter.interlinked, start=1)
        if agency.source is None
    )
    missing.extend(f"vi.{part} {number} has no source" for part, number in entries_without_source(starter.vi))
    return missing


def _missing_of_channels(starter: StarterProcedure) -> Iterator[str]:
    """A reader has to learn of every way how long it takes and what it costs, or in words why nobody can say."""
    for number, fact in enumerate(starter.channels, start=1):
        if fact.source is None:
            yield f"channels {number}: the source"
        if fact.time is None and not fact.note:
            yield f"channels {number}: the time, or a note about it"
        if fact.time is not None and fact.time_unit is None:
            yield f"channels {number}: the unit of the time"
        if fact.fee is None and not fact.set_by_province and not fact.note:
            yield f"channels {number}: the fee, or a note about it"


def _unlike(vi: GuidanceWords, en: GuidanceWords) -> Iterator[str]:
    """Where the English words have not as many entries as the Vietnamese ones: marks go by position."""
    for part in ("who", "bring", "counter", "online", "mistakes", "staff"):
        if len(getattr(vi, part)) != len(getattr(en, part)):
            yield f"en.{part} has not as many entries as vi.{part}"
    for number, (case, other) in enumerate(zip(vi.bring, en.bring, strict=False), start=1):
        if len(case.items) != len(other.items):
            yield f"en.bring {number} has not as many papers as vi.bring {number}"


def _used_sources(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("source"), str):
            yield value["source"]
        for part in value.values():
            yield from _used_sources(part)
    elif isinstance(value, list):
        for part in value:
            yield from _used_sources(part)


def entries_without_source(words: GuidanceWords) -> Iterator[tuple[str, int]]:
    """Part and number of every entry that names no source."""
    for part in ("who", "counter", "online", "mistakes", "staff"):
        for number, entry in enumerate(getattr(words, part), start=1):
            if entry.source is None:
                yield part, number
    papers = [paper for case in words.bring for paper in case.items]
    for number, paper in enumerate(papers, start=1):
        if paper.source is None:
            yield "bring", number
    if words.result is not None and words.result.source is None:
        yield "result", 1


def marks_of(original: GuidanceWords, words: GuidanceWords) -> GuidanceWords:
    """The words of another language with the source keys of the Vietnamese original, entry by entry."""
    if original is words:
        return words
    marked = words.model_copy(deep=True)
    for part in ("who", "counter", "online", "mistakes", "staff"):
        for entry, first in zip(getattr(marked, part), getattr(original, part), strict=False):
            entry.source = entry.source or first.source
    for case, first_case in zip(marked.bring, original.bring, strict=False):
        for paper, first_paper in zip(case.items, first_case.items, strict=False):
            paper.source = paper.source or first_paper.source
            paper.if_not_shown = first_paper.if_not_shown
    if marked.result and original.result:
        marked.result.source = marked.result.source or original.result.source
    return marked

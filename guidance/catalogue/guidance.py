"""What our own guidance about a procedure consists of, and how its starter files are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from guidance import content_files
from guidance.catalogue.models import LEVELS
from guidance.text import slug

Channel = Literal["online", "counter", "post"]
TimeUnit = Literal["working_day", "day", "hour", "month"]
Audience = Literal[
    "citizen", "overseas", "foreigner", "officials", "business", "foreign-business", "organisation",
    "foreign-organisation", "cooperative",
]  # fmt: skip

_DAY_OR_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")


class _Strict(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")


def day_or_month(value: object) -> object:
    """A day or a month as text ('2026-07-15', '2026-07'); raises ValueError for anything else, None stays None."""
    text = value.isoformat() if isinstance(value, date) else value
    if text is None:
        return None
    if not isinstance(text, str) or not _DAY_OR_MONTH.fullmatch(text):
        raise ValueError("a date is written 2026-07-15 or 2026-07")
    date.fromisoformat(text if len(text) == 10 else f"{text}-01")
    return text


class Source(_Strict):
    """Where a fact was read. `verified_on` is a day or a month; None marks it 'not yet verified'."""

    title: str | dict[str, str]
    url: str | None = None
    verified_on: str | None = None

    @field_validator("verified_on", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return day_or_month(value)

    @field_validator("url")
    @classmethod
    def _https(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("an address starts with https://")
        return value


class Marked(_Strict):
    """One fact in words, with the key of its source."""

    text: str = Field(min_length=1)
    source: str | None = None


class Bilingual(_Strict):
    """A short fact in every language, with the key of its source."""

    vi: str
    en: str
    ur: str | None = None
    source: str | None = None


class Paper(Marked):
    """One thing to bring; `if_not_shown`: only when the official system does not already hold it."""

    note: str | None = None
    if_not_shown: bool = False


class Case(_Strict):
    """What to bring in one case; the first case is everybody's."""

    case: str
    items: list[Paper] = Field(min_length=1)


class Mistake(Marked):
    """What goes wrong, and what to do instead."""

    instead: str


class GuidanceWords(_Strict):
    """Our words about a procedure in one language."""

    name: str = Field(min_length=1)
    summary: str = ""
    who: list[Marked] = []
    bring: list[Case] = []
    counter: list[Marked] = []
    online: list[Marked] = []
    result: Marked | None = None
    mistakes: list[Mistake] = []
    staff: list[Marked] = []


class ChannelFact(_Strict):
    """A known combination of channel, case, time limit and fee (đồng); None means not stated or not certain."""

    channel: Channel
    case: dict[str, str] | None = None
    time: float | None = None
    time_unit: TimeUnit | None = None
    fee: int | None = None
    fee_unit: str | dict[str, str] | None = None
    fee_valid_to: date | None = None
    set_by_province: bool = False
    note: dict[str, str] | None = None
    source: str | None = None


class OnlineFact(_Strict):
    """How far it can be done online according to our source; None when only 'a channel exists' is known."""

    level: Literal["full", "partial", "info"] | None = None
    source: str | None = None
    as_of: str | None = None

    @field_validator("as_of", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return day_or_month(value)


class GuidanceFacts(_Strict):
    """Our facts about a procedure, the same in every language."""

    sector: str = ""
    levels: list[Literal["commune", "province", "ministry", "other"]] = []
    agency: Bilingual | None = None
    hand_in: Bilingual | None = None
    help_at: Bilingual | None = None
    interlinked: list[Bilingual] = []
    audience: list[Audience] = []
    life_events: list[str] = []
    online: OnlineFact = Field(default_factory=OnlineFact)
    channels: list[ChannelFact] = []
    related: list[str] = []
    before: list[str] = []
    after: list[str] = []
    owner: str = "content"
    review_by: date | None = None
    sources: dict[str, Source] = {}
    keywords: dict[str, list[str]] = {}


class StarterProcedure(GuidanceFacts):
    """One starter file: facts, and words per language."""

    key: str
    code: str | None = None
    replaces: list[str] = []
    valid_to: date | None = None
    vi: GuidanceWords
    en: GuidanceWords
    ur: GuidanceWords | None = None

    @field_validator("valid_to", mode="before")
    @classmethod
    def _day(cls, value: object) -> object:
        return value or None

    @model_validator(mode="after")
    def _whole(self) -> StarterProcedure:
        if self.code is None and not self.key.startswith("x-"):
            raise ValueError("a procedure without a code needs a key that starts with x-")
        if self.code is not None and self.key not in {self.code} and not self.key.startswith("x-"):
            raise ValueError("the key of a procedure with a code is that code")
        if self.key != slug(self.key.replace(".", "-")) and self.code is None:
            raise ValueError("a key holds only a-z, 0-9 and hyphens")
        return self

    def words(self) -> dict[str, GuidanceWords]:
        """Our words by language."""
        found = {"vi": self.vi, "en": self.en}
        return found | ({"ur": self.ur} if self.ur else {})

    def facts(self) -> GuidanceFacts:
        """The facts alone."""
        return GuidanceFacts.model_validate(self.model_dump(include=set(GuidanceFacts.model_fields)))


def read_starter(path: Path) -> StarterProcedure:
    """Read one starter file; raises ValueError with every problem in it."""
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

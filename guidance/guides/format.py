"""What a guide consists of, and how its Markdown files are read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from guidance import content_files
from guidance.catalogue.guidance import Source, day_or_month

GROUPS = ("vneid", "vssid", "portal", "papers", "helpers", "programme")
SYSTEMS = ("vneid", "vssid", "portal", "etax", "bank", "post")
CAREFUL = ("codes", "payment", "link")
FACTS = ("time", "fee", "where")
URDU_GROUPS = frozenset({"vneid", "vssid", "portal"})
SAID = (
    "life_events",
    "procedures",
    "systems",
    "verified_on",
    "review_by",
    "sources",
    "owner",
)  # even where empty
_LINK = re.compile(r"\]\(\s*<?([^)>\s]+)")

Reason = Literal[
    "no_phone", "sim", "no_level_2", "no_code", "nfc", "face", "mismatch", "papers", "payment", "system", "other"
]  # fmt: skip
_Words = Annotated[str, Field(min_length=1)]
_Date = Annotated[str | None, BeforeValidator(day_or_month)]


class _Strict(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")


class Item(_Strict):
    """One sentence with the key of its source."""

    text: _Words
    source: str | None = None


class Trouble(_Strict):
    """What may go wrong, and what to do then."""

    when: _Words
    then: _Words
    source: str | None = None
    reason: Reason | None = None


class Step(_Strict):
    """One action; what can go wrong with it stands under it."""

    do: _Words
    detail: str | None = None
    source: str | None = None
    careful: Literal["codes", "payment", "link"] | None = None
    trouble: list[Trouble] = []


class Content(_Strict):
    """The parts of a guide in one language that are data."""

    prepare: list[Item] = []
    steps: list[Step] = Field(min_length=1)
    trouble: list[Trouble] = []
    facts: dict[Literal["time", "fee", "where"], Item] = {}
    result: Item | None = None
    staff: list[Item] = []


class Words(Content):
    """A guide in one language."""

    slug: str
    lang: Literal["vi", "en", "ur"]
    title: _Words
    summary: _Words
    keywords: list[str] = []
    body: str = ""

    def content(self) -> Content:
        """The data parts alone."""
        return Content.model_validate(self.model_dump(include=set(Content.model_fields)))


class Facts(_Strict):
    """What is the same in every language."""

    life_events: list[str] = []
    procedures: list[str] = []
    systems: list[Literal["vneid", "vssid", "portal", "etax", "bank", "post"]] = []
    related: list[str] = []
    sources: dict[str, Source] = {}


class Original(Words, Facts):
    """The Vietnamese file, which carries everything."""

    group: Literal["vneid", "vssid", "portal", "papers", "helpers", "programme"]
    order: int = Field(ge=0, le=100_000)
    owner: str = "content"
    verified_on: _Date = None
    review_by: date

    def facts_of_all_languages(self) -> Facts:
        """What is the same in every language."""
        return Facts.model_validate(self.model_dump(include=set(Facts.model_fields)))


@dataclass
class GuideFiles:
    """One guide as its files hold it: the original and the other languages."""

    original: Original
    words: dict[str, Words] = field(default_factory=dict)


def _parsed(text: str) -> dict[str, Any]:
    head, end, body = text.removeprefix("\ufeff").removeprefix("---\n").partition("\n---\n")
    if not text.lstrip("\ufeff").startswith("---\n") or not (end or head.endswith("\n---")):
        raise ValueError("a guide starts with front matter between two lines of ---")
    values = content_files.parsed(head.removesuffix("\n---"))
    if not isinstance(values, dict):
        raise ValueError("the front matter holds no names and values")
    return values | {"body": body.strip()}


def parse(text: str) -> Words:
    """A guide from the text of its file: the original for Vietnamese, words alone otherwise.

    Raises ValueError with everything that is wrong.
    """
    return _validated(_parsed(text))


def _validated(values: dict[str, Any]) -> Words:
    kind = Original if values.get("lang") == "vi" else Words
    said = {name: value for name, value in values.items() if value is not None}
    return content_files.shaped(kind, said)


def read_folder(folder: Path) -> tuple[list[GuideFiles], list[str]]:
    """Every guide of a folder with its languages, and what is wrong with the files that cannot be read."""
    guides: dict[str, GuideFiles] = {}
    problems: list[str] = []
    words: list[tuple[str, Words]] = []
    for path in sorted(folder.glob("*.md")):
        try:
            values = _parsed(path.read_text(encoding="utf-8"))
            found = _validated(values)
            if path.name != f"{found.slug}.{found.lang}.md":
                raise ValueError(f"says it is {found.slug}.{found.lang}.md")
        except (ValueError, UnicodeDecodeError) as wrong:
            problems.append(f"{path.name}: {wrong}")
            continue
        if isinstance(found, Original):
            guides[found.slug] = GuideFiles(found, {"vi": found})
            problems += [
                f"{path.name}: the front matter does not say {name}" for name in SAID if name not in values
            ]
        else:
            words.append((path.name, found))
    for name, one in words:
        if one.slug not in guides:
            problems.append(f"{name}: there is no {one.slug}.vi.md that can be read")
        else:
            guides[one.slug].words[one.lang] = one
    return sorted(
        guides.values(), key=lambda guide: (GROUPS.index(guide.original.group), guide.original.order)
    ), problems


def missing_parts(guide: GuideFiles, slugs: set[str], procedures: set[str]) -> list[str]:
    """What a guide lacks to be published, given the guides and procedures that exist (none known: not checked)."""
    original = guide.original
    parts = ("keywords", "life_events", "systems", "owner", "sources", "prepare", "staff")
    missing = [part for part in parts if not getattr(original, part)]
    if len(original.steps) < 3:
        missing.append("three steps")
    if not original.trouble and not any(step.trouble for step in original.steps):
        missing.append("an entry about what may go wrong")
    for place, key in _marks(original):
        if key is None:
            missing.append(f"a source for {place}")
        elif key not in original.sources:
            missing.append(f"a source named {key!r} ({place})")
    if original.verified_on:
        used = {key for _place, key in _marks(original)}
        if not any(source.verified_on for key, source in original.sources.items() if key in used):
            missing.append("a verified source behind verified_on")
        if original.review_by.isoformat() <= original.verified_on:
            missing.append("a review date after verified_on")
    wanted = {"vi", "en"} | ({"ur"} if original.group in URDU_GROUPS else set())
    missing += [f"its {lang} file" for lang in sorted(wanted - set(guide.words))]
    missing += [f"the related guide {slug}" for slug in original.related if slug not in slugs]
    if procedures:
        missing += [f"the procedure {code}" for code in original.procedures if code not in procedures]
    for lang, words in guide.words.items():
        if words is not original:
            missing += [f"{lang}: {problem}" for problem in differences(original, words)]
            missing += [f"{lang}: the translation of {part}" for part in _untranslated(original, words)]
        missing += [f"{lang}: {problem}" for problem in _bad_links(words, slugs, procedures)]
    return missing


def _marks(guide: Original) -> Iterator[tuple[str, str | None]]:
    for part in ("prepare", "staff"):
        for number, item in enumerate(getattr(guide, part), start=1):
            yield f"{part} {number}", item.source
    for number, step in enumerate(guide.steps, start=1):
        yield f"step {number}", step.source
        for place, trouble in enumerate(step.trouble, start=1):
            yield f"step {number}, trouble {place}", trouble.source
    for number, trouble in enumerate(guide.trouble, start=1):
        yield f"trouble {number}", trouble.source
    for name, fact in guide.facts.items():
        yield f"fact {name}", fact.source
    if guide.result:
        yield "result", guide.result.source


def differences(original: Content, words: Content) -> list[str]:
    """Where another language has more or fewer entries than the original."""
    found = [
        f"{part} has {len(getattr(words, part))} entries, the original {len(getattr(original, part))}"
        for part in ("prepare", "steps", "trouble", "staff")
        if len(getattr(words, part)) != len(getattr(original, part))
    ]
    for number, (first, second) in enumerate(zip(original.steps, words.steps, strict=False), start=1):
        if len(first.trouble) != len(second.trouble):
            found.append(
                f"step {number} has {len(second.trouble)} trouble entries, the original {len(first.trouble)}"
            )
        if bool(first.detail) != bool(second.detail):
            found.append(f"step {number} has {'no ' if first.detail else 'a '}detail, unlike the original")
    if set(original.facts) != set(words.facts):
        found.append("not the same facts as the original")
    if bool(original.result) != bool(words.result):
        found.append("not the same result as the original")
    return found


def _untranslated(original: Words, words: Words) -> Iterator[str]:
    for part in ("title", "summary"):
        if getattr(original, part) == getattr(words, part):
            yield part
    for number, (first, second) in enumerate(zip(original.steps, words.steps, strict=False), start=1):
        if (first.do, first.detail) == (second.do, second.detail):
            yield f"step {number}"


def texts_of(words: Words) -> Iterator[str]:
    """Every piece of text of a guide that may hold Markdown."""
    yield words.body
    yield words.summary
    for items in (
        words.prepare,
        words.staff,
        [*words.facts.values()],
        [words.result] if words.result else [],
    ):
        yield from (item.text for item in items)
    for step in words.steps:
        yield step.do
        yield step.detail or ""
    for trouble in (*words.trouble, *(entry for step in words.steps for entry in step.trouble)):
        yield trouble.when
        yield trouble.then


def _bad_links(words: Words, slugs: set[str], procedures: set[str]) -> Iterator[str]:
    for text in texts_of(words):
        for target in _LINK.findall(text):
            kind, _colon, name = target.partition(":")
            name = name.partition("#")[0]
            if kind == "guide":
                if name not in slugs:
                    yield f"a link to the guide {name}, which does not exist"
            elif kind == "procedure":
                if procedures and name not in procedures:
                    yield f"a link to the procedure {name}, which does not exist"
            elif kind not in {"tel", "sms"} and not re.match(r"https://([\w-]+\.)*gov\.vn(/|$)", target):
                yield f"a link to {target}, which is neither a page of this site nor of gov.vn"


def with_marks(original: Content, words: Content) -> Content:
    """The words of another language with the sources, warnings and reasons of the original, entry by entry."""
    marked = words.model_copy(deep=True)
    if words is original:
        return marked
    for part in ("prepare", "staff"):
        for entry, item in zip(getattr(marked, part), getattr(original, part), strict=False):
            entry.source = item.source
    for step, first in zip(marked.steps, original.steps, strict=False):
        step.source, step.careful = first.source, first.careful
        _mark_troubles(step.trouble, first.trouble)
    _mark_troubles(marked.trouble, original.trouble)
    for name, fact in marked.facts.items():
        if name in original.facts:
            fact.source = original.facts[name].source
    if marked.result and original.result:
        marked.result.source = original.result.source
    return marked


def _mark_troubles(troubles: list[Trouble], originals: list[Trouble]) -> None:
    for trouble, first in zip(troubles, originals, strict=False):
        trouble.source, trouble.reason = first.source, first.reason


def as_text(words: Words, facts: dict[str, Any] | None = None) -> str:
    """A guide as the text of its file, for editing and download; parse() reads it back unchanged."""
    values = words.model_dump(mode="json", exclude={"body"}, exclude_none=True, exclude_defaults=False)
    head = content_files.written(values | (facts or {}))
    return f"---\n{head}---\n{words.body}\n"

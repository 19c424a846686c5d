"""How the Markdown files of guides, and what is stored of them, are read, checked and written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from guidance import content_files

if TYPE_CHECKING:
    from guidance.guides.shapes import Content, Facts, Original, Trouble, Words

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


@dataclass
class GuideFiles:
    """One guide as its files hold it: the original and the other languages."""

    original: Original
    words: dict[str, Words] = field(default_factory=dict)


def content_of(stored: dict[str, Any]) -> Content:
    """The parts of a guide in one language as the table holds them."""
    from guidance.guides.shapes import Content

    return Content.model_validate(stored)


def facts_of(stored: dict[str, Any]) -> Facts:
    """What is the same in every language as the table holds it."""
    from guidance.guides.shapes import Facts

    return Facts.model_validate(stored)


def words_of(values: dict[str, Any]) -> Words:
    """A guide in one language from its values."""
    from guidance.guides.shapes import Words

    return Words.model_validate(values)


def original_of(values: dict[str, Any]) -> Original:
    """The Vietnamese guide, which carries everything, from its values."""
    from guidance.guides.shapes import Original

    return Original.model_validate(values)


def is_original(words: Words) -> TypeGuard[Original]:
    """Whether these words carry everything, as the Vietnamese file does."""
    from guidance.guides.shapes import Original

    return isinstance(words, Original)


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
    from guidance.guides.shapes import Original, Words

    said = {name: value for name, value in values.items() if value is not None}
    return content_files.shaped(Original if values.get("lang") == "vi" else Words, said)


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
        if is_original(found):
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

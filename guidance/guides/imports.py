"""Starter guides into the database: twice is once, and what an editor changed is never overwritten."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from guidance import audit
from guidance.config import PROJECT
from guidance.db import content_changed, db, transaction
from guidance.guides.actions import put_original, put_words
from guidance.guides.format import GuideFiles, as_text, missing_parts, read_folder
from guidance.guides.models import Guide

FOLDER = PROJECT / "guidance" / "content" / "guides"


@dataclass
class Report:
    """What loading did; `waiting` is new shipped text beside something an editor changed."""

    stored: int = 0
    unchanged: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)


def _digest(guide: GuideFiles) -> str:
    texts = [as_text(guide.words[lang]) for lang in sorted(guide.words)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


@transaction
def load(folder: Path = FOLDER) -> Report:
    """Store the shipped guides that are new or changed; beside an edited one the new text waits."""
    guides, problems = read_folder(folder)
    report = Report(problems=problems)
    present = {guide.slug: guide for guide in db.session.scalars(select(Guide))}
    for guide in guides:
        _load(guide, present.get(guide.original.slug), report)
    if report.stored:
        audit.record("guides.loaded", "", "", stored=report.stored, waiting=report.waiting)
        content_changed()
    return report


def _load(files: GuideFiles, guide: Guide | None, report: Report) -> None:
    digest = _digest(files)
    if guide is not None and guide.starter_digest == digest:
        report.unchanged += 1
        return
    if guide is not None and guide.edited:
        guide.starter_digest, guide.starter_waiting = digest, True
        report.waiting += 1
        return
    guide = put_original(guide, files.original)
    for words in files.words.values():
        put_words(guide, words, by="")
    guide.starter_digest = digest
    report.stored += 1


@transaction
def take_starter(slug: str, by: str, folder: Path = FOLDER) -> bool:
    """Replace an edited guide with the shipped text; False when nothing is shipped under that name."""
    files = next((one for one in read_folder(folder)[0] if one.original.slug == slug), None)
    guide = db.session.scalar(select(Guide).where(Guide.slug == slug))
    if files is None or guide is None:
        return False
    put_original(guide, files.original)
    for words in files.words.values():
        put_words(guide, words, by)
    guide.starter_digest, guide.edited, guide.starter_waiting = _digest(files), False, False
    audit.record("guide.starter-taken", f"guide:{slug}", by)
    content_changed()
    return True


def shipped(slug: str, folder: Path = FOLDER) -> GuideFiles | None:
    """The guide as it is shipped, to be read beside the edited one."""
    return next((one for one in read_folder(folder)[0] if one.original.slug == slug), None)


def check(folder: Path = FOLDER, procedure_keys: set[str] | None = None) -> tuple[int, list[str]]:
    """How many guides a folder holds, and everything that keeps them from being published."""
    guides, problems = read_folder(folder)
    slugs = {guide.original.slug for guide in guides}
    for guide in guides:
        problems += [
            f"{guide.original.slug}: {part} is missing"
            for part in missing_parts(guide, slugs, procedure_keys or set())
        ]
    return len(guides), problems


def known_procedures(content: Path = FOLDER.parent) -> set[str]:
    """Keys and codes a guide may link to: shipped starters and every code the shipped vocabulary names."""
    known = {path.stem for path in (content / "procedures").glob("*.yaml")}
    for path in (content / "vocabulary").glob("[0-9]-*.tsv"):
        with path.open(encoding="utf-8") as lines:
            known.update(line.partition("\t")[0] for line in lines)
    return known

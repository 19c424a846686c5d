"""Notices, replaced laws and days in force that come with the site; what an editor changed is never overwritten."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import select

from guidance import content_files
from guidance.catalogue.models import LegalInstrument, Notice, Procedure
from guidance.catalogue.shapes import Source
from guidance.catalogue.standing import Standing, put
from guidance.catalogue.starter import StarterReport
from guidance.db import content_changed, db, now, transaction

Line = TypeVar("Line", "Supersession", "ShippedStanding")


class _Strict(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")


class StarterNotice(_Strict):
    """One notice of the file content/notices.yaml."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    kind: Literal["law", "outage", "scam", "service"]
    title: dict[Literal["vi", "en", "ur"], str]
    body: dict[Literal["vi", "en", "ur"], str]
    subjects: list[Annotated[str, StringConstraints(pattern=r"^(procedure|guide):[\w.-]+$")]] = []
    source: str
    source_url: str = ""
    shown_from: date
    shown_to: date | None = None


def read_notices(path: Path) -> list[StarterNotice]:
    """The notices of a file; raises ValueError with everything that is wrong."""
    return content_files.shaped(list[StarterNotice], content_files.read(path))


@transaction
def load_notices(path: Path) -> StarterReport:
    """Store the notices that come with the site; one that an editor changed or ended stays as it is."""
    report = StarterReport()
    try:
        starters = read_notices(path)
    except ValueError as wrong:
        report.problems.append(f"{path.name}: {wrong}")
        return report
    present = {notice.key: notice for notice in db.session.scalars(select(Notice))}
    for starter in starters:
        digest = hashlib.sha256(starter.model_dump_json().encode()).hexdigest()
        notice = present.get(starter.key)
        if notice is not None and notice.starter_digest == digest:
            report.unchanged += 1
            continue
        if notice is not None and notice.edited:
            notice.starter_digest = digest
            report.waiting += 1
            continue
        if notice is None:
            notice = Notice(key=starter.key, published_at=now())
            db.session.add(notice)
        for name, value in starter.model_dump(exclude={"key"}).items():
            setattr(notice, name, value)
        notice.starter_digest = digest
        report.stored += 1
    if report.stored:
        content_changed()
    return report


def _lines(path: Path, part: str, shape: type[Line]) -> list[tuple[Line, Source]]:
    """The lines of a part of a file, each with who says so; raises ValueError or KeyError where something is wrong."""
    whole = content_files.read(path)
    sources = {key: Source.model_validate(value) for key, value in whole["sources"].items()}
    return [(line, sources[line.source]) for line in map(shape.model_validate, whole[part])]


def _vietnamese(title: str | dict[str, str]) -> str:
    return title if isinstance(title, str) else title["vi"]


class Supersession(_Strict):
    """One line of content/legal.yaml: an instrument and what has replaced, or is going to replace, it."""

    number: str
    by: str
    since: date | None
    source: str


@transaction
def load_supersessions(path: Path) -> int:
    """Mark instruments that have been replaced; returns how many are new or changed.

    One that no record names yet is kept without a title: the import that brings it gives it its title.
    """
    known = {row.number: row for row in db.session.scalars(select(LegalInstrument))}
    stored = 0
    for line, told in _lines(path, "superseded", Supersession):
        instrument = known.get(line.number)
        if instrument is None:
            instrument = LegalInstrument(number=line.number, title="")
            db.session.add(instrument)
        values = {
            "superseded_by": line.by,
            "superseded_on": line.since,
            "source": _vietnamese(told.title),
            "source_url": told.url or "",
            "verified_on": told.verified_on,
        }
        if any(getattr(instrument, name) != value for name, value in values.items()):
            stored += 1
            for name, value in values.items():
                setattr(instrument, name, value)
    if stored:
        content_changed()
    return stored


class ShippedStanding(_Strict):
    """One line of content/standing.yaml."""

    codes: list[str]
    valid_from: date | None = None
    valid_to: date | None = None
    superseded_by: list[str] = []
    source: str


@transaction
def load_standings(path: Path) -> int:
    """Store what the file says, except where an editor did; returns how many are new or changed.

    A code whose record has not been imported yet is kept, unseen, until the record comes.
    """
    stored = 0
    for line, told in _lines(path, "procedures", ShippedStanding):
        standing = Standing(
            line.valid_from,
            line.valid_to,
            tuple(line.superseded_by),
            _vietnamese(told.title),
            told.url or "",
            told.verified_on,
        )
        stored += sum(put(procedure, standing) for procedure in _known_or_new(line.codes))
    if stored:
        content_changed()
    return stored


def _known_or_new(codes: Sequence[str]) -> list[Procedure]:
    known = {row.code: row for row in db.session.scalars(select(Procedure).where(Procedure.code.in_(codes)))}
    for code in codes:
        if code not in known:
            known[code] = Procedure(key=code, code=code, changed_at=now())
            db.session.add(known[code])
    db.session.flush()
    return [procedure for procedure in known.values() if not procedure.standing_edited]

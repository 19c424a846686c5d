"""Procedures and plain names that come with the site, into the catalogue; what an editor changed is never overwritten."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from guidance.catalogue import cards, queries
from guidance.catalogue.guidance import missing_parts, read_starter
from guidance.catalogue.layers import compare_layers
from guidance.catalogue.models import (
    FormerKey,
    Guidance,
    GuidanceText,
    PlainName,
    Procedure,
    ProcedureLifeEvent,
)
from guidance.catalogue.standing import give_code
from guidance.db import content_changed, db, now, transaction, upsert

if TYPE_CHECKING:
    from guidance.catalogue.shapes import StarterProcedure


@dataclass
class StarterReport:
    """What loading starter content did; `waiting` is new starter text beside something an editor changed."""

    stored: int = 0
    unchanged: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)


def read_starters(folder: Path) -> tuple[list[StarterProcedure], list[str]]:
    """Every starter procedure of a folder, and what is wrong with the others."""
    good: list[StarterProcedure] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            good.append(read_starter(path))
        except ValueError as wrong:
            problems.append(f"{path.name}: {wrong}")
    return good, problems


def check_starters(folder: Path, known: set[str], guides: set[str]) -> tuple[int, list[str]]:
    """How many starter procedures a folder holds, and everything that keeps them from being published.

    `known` are keys and codes that exist, `guides` the guides' slugs: nothing may lead nowhere.
    """
    starters, problems = read_starters(folder)
    events = {event["slug"] for event in queries.shipped_life_events()}
    for starter in starters:
        found = [f"{part} is missing" for part in missing_parts(starter)]
        found += [f"there is no life event {event!r}" for event in starter.life_events if event not in events]
        for name in (*starter.before, *starter.after, *starter.related):
            slug = name.removeprefix("guide:")
            if slug not in (guides if slug != name else known):
                found.append(f"{name} leads nowhere")
        problems += [f"{starter.key}: {problem}" for problem in found]
    for code, count in Counter(starter.code or starter.key for starter in starters).items():
        if count > 1:
            problems.append(f"{code}: stands in {count} files")
    return len(starters), problems


@transaction
def load_starters(folder: Path) -> StarterReport:
    """Put the starter procedures beside the official records; what an editor changed is never overwritten."""
    starters, problems = read_starters(folder)
    report = StarterReport(problems=problems)
    for starter in starters:
        _load_starter(starter, report)
    if report.stored:
        db.session.flush()
        compare_layers()
        cards.refresh()
        content_changed()
    return report


def _load_starter(starter: StarterProcedure, report: StarterReport) -> None:
    digest = hashlib.sha256(starter.model_dump_json().encode()).hexdigest()
    procedure = _procedure_of(starter)
    if procedure is None:
        procedure = Procedure(key=starter.code or starter.key, code=starter.code, changed_at=now())
        db.session.add(procedure)
        db.session.flush()
    guidance = db.session.get(Guidance, procedure.id)
    if guidance is not None and guidance.starter_digest == digest:
        report.unchanged += 1
        return
    if guidance is not None and guidance.edited:
        guidance.starter_waiting = True
        guidance.starter_digest = digest
        report.waiting += 1
        return
    if guidance is None:
        guidance = Guidance(procedure_id=procedure.id)
        db.session.add(guidance)
    if starter.valid_to is not None and not procedure.standing_edited:
        procedure.valid_to = starter.valid_to
    procedure.changed_at = now()
    facts = starter.facts()
    guidance.facts = facts.model_dump(mode="json")
    guidance.owner = facts.owner
    guidance.review_by = facts.review_by
    guidance.starter_digest = digest
    db.session.flush()
    _store_words(procedure.id, starter)
    report.stored += 1


def _procedure_of(starter: StarterProcedure) -> Procedure | None:
    """The procedure a starter file is about; one that had no code until now is given the file's code."""
    if starter.code is None:
        successor = db.session.scalar(select(FormerKey.successor_key).where(FormerKey.key == starter.key))
        return db.session.scalar(select(Procedure).where(Procedure.key.in_([starter.key, successor or ""])))
    by_code = select(Procedure).where(Procedure.code == starter.code)
    found = db.session.scalar(by_code)
    uncoded = select(Procedure.id).where(Procedure.key == starter.key, Procedure.code.is_(None))
    explained = found is not None and db.session.get(Guidance, found.id) is not None
    if not explained and db.session.scalar(uncoded) is not None:
        give_code(starter.key, starter.code, "starter content")
        found = db.session.scalar(by_code)
    return found


def _store_words(procedure_id: int, starter: StarterProcedure) -> None:
    for table in (GuidanceText, ProcedureLifeEvent):
        db.session.execute(delete(table).where(table.procedure_id == procedure_id))
    for lang, words in starter.words().items():
        db.session.add(
            GuidanceText(
                procedure_id=procedure_id,
                lang=lang,
                name=words.name,
                summary=words.summary,
                words=words.model_dump(mode="json", exclude={"name", "summary"}),
            )
        )
    for event in dict.fromkeys(starter.life_events):
        db.session.add(ProcedureLifeEvent(procedure_id=procedure_id, life_event=event))
    today = starter.code or starter.key
    for old in {*starter.replaces, starter.key} - {today}:
        db.session.execute(upsert(FormerKey).values(key=old, successor_key=today).on_conflict_do_nothing())


@transaction
def load_plain_names(paths: Iterable[Path]) -> int:
    """Load how people call procedures (tab-separated: code, plain_vi, plain_en, …); returns how many are new or changed."""
    present = {
        (code, lang): name
        for code, lang, name in db.session.execute(select(PlainName.code, PlainName.lang, PlainName.name))
    }
    fresh: dict[tuple[str, str], str] = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                for lang in ("vi", "en"):
                    name = (row.get(f"plain_{lang}") or "").strip()
                    if name and present.get((row["code"], lang)) != name:
                        fresh[row["code"], lang] = name
    for (code, lang), name in fresh.items():
        statement = upsert(PlainName).values(code=code, lang=lang, name=name)
        db.session.execute(
            statement.on_conflict_do_update(index_elements=["code", "lang"], set_={"name": name})
        )
    if fresh:
        cards.refresh()
        content_changed()
    return len(fresh)

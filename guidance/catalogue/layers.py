"""Where our guidance and the official record disagree: the page shows the record, an editor gets a task."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from guidance.catalogue.guidance import facts_of
from guidance.catalogue.models import ChannelOption, EditorTask, Guidance, OfficialRecord, Procedure
from guidance.db import db, now, upsert

if TYPE_CHECKING:
    from guidance.catalogue.shapes import GuidanceFacts


def compare_layers() -> int:
    """Open a task for editors wherever our guidance and the official record disagree; returns how many are new.

    Compared are fees and time limits of each channel where the record is certain, the channels, and the levels that
    decide. A task whose two sides agree again goes away by itself; one an editor closed stays closed.
    """
    disagreements = set(_disagreements())
    for task in db.session.scalars(select(EditorTask).where(EditorTask.kind == "disagrees")):
        if (task.subject, task.detail) not in disagreements:
            db.session.delete(task)
    db.session.flush()
    return sum(open_task(subject, "disagrees", detail) for subject, detail in sorted(disagreements))


def _disagreements() -> Iterator[tuple[str, str]]:
    """Subject and detail of every task; the detail is JSON: what (fee in đồng, time as [value, unit], channels,
    levels), channel for the first two, ours, record."""
    guided = db.session.execute(
        select(Procedure.id, Procedure.key, Guidance.facts, OfficialRecord.levels)
        .join(Guidance, Guidance.procedure_id == Procedure.id)
        .join(OfficialRecord, OfficialRecord.procedure_id == Procedure.id)
        .where(OfficialRecord.quarantine == "")
    ).all()
    by_procedure: dict[int, list[ChannelOption]] = defaultdict(list)
    rows = select(ChannelOption).where(ChannelOption.procedure_id.in_([row.id for row in guided]))
    for option in db.session.scalars(rows):
        by_procedure[option.procedure_id].append(option)
    for procedure_id, key, stored, levels in guided:
        facts = facts_of(stored)
        for found in _compared(facts, by_procedure[procedure_id], levels):
            yield f"procedure:{key}", json.dumps(found)


def _compared(
    facts: GuidanceFacts, options: Sequence[ChannelOption], levels: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for channel in sorted({fact.channel for fact in facts.channels}):
        official = [option for option in options if option.channel == channel]
        ours = [fact for fact in facts.channels if fact.channel == channel]
        in_dong = [option for option in official if option.fee_currency == "VND"]
        fees = {option.fee_amount for option in in_dong if option.fee_amount is not None}
        our_fees = {fact.fee for fact in ours if fact.fee is not None}
        if fees and our_fees - fees:
            yield {"channel": channel, "what": "fee", "ours": sorted(our_fees), "record": sorted(fees)}
        times = {(option.time_value, option.time_unit) for option in official if option.time_unit}
        our_times = {(fact.time, fact.time_unit) for fact in ours if fact.time is not None}
        if times and our_times - times:
            told = {"ours": sorted(our_times, key=str), "record": sorted(times, key=str)}
            yield {"channel": channel, "what": "time", **told}
    for what, said, recorded in (
        ("channels", {fact.channel for fact in facts.channels}, {option.channel for option in options}),
        ("levels", set(facts.levels), set(levels)),
    ):
        if said and recorded and not said <= recorded:
            yield {"what": what, "ours": sorted(said), "record": sorted(recorded)}


def open_task(subject: str, kind: str, detail: str) -> int:
    """Give editors something to look at, once; returns 1 when it is new."""
    done = db.session.execute(
        upsert(EditorTask)
        .values(subject=subject, kind=kind, detail=detail, opened_at=now())
        .on_conflict_do_nothing()
    )
    return int(done.rowcount)  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides

"""Where our guidance and the official record disagree: the page shows the record, an editor gets a task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from guidance.catalogue.guidance import GuidanceFacts
from guidance.catalogue.models import ChannelOption, EditorTask, Guidance, Procedure
from guidance.db import db, now, upsert


def compare_layers() -> int:
    """Open a task for editors wherever our guidance and the official record disagree on a fee or a time limit."""
    opened = 0
    guided = db.session.execute(
        select(Procedure.id, Procedure.key, Guidance.facts).join(
            Guidance, Guidance.procedure_id == Procedure.id
        )
    ).all()
    for procedure_id, key, stored in guided:
        facts = GuidanceFacts.model_validate(stored)
        options = db.session.scalars(
            select(ChannelOption).where(ChannelOption.procedure_id == procedure_id)
        ).all()
        for channel in sorted({fact.channel for fact in facts.channels}):
            official = [option for option in options if option.channel == channel]
            ours = [fact for fact in facts.channels if fact.channel == channel]
            fees = {option.fee_amount for option in official if option.fee_amount is not None}
            our_fees = {fact.fee for fact in ours if fact.fee is not None}
            if fees and our_fees - fees:
                opened += _open_disagreement(key, channel, "fee", sorted(our_fees), sorted(fees))
            times = {(option.time_value, option.time_unit) for option in official if option.time_unit}
            our_times = {(fact.time, fact.time_unit) for fact in ours if fact.time is not None}
            if times and our_times - times:
                opened += _open_disagreement(
                    key, channel, "time", sorted(our_times, key=str), sorted(times, key=str)
                )
    return opened


def _open_disagreement(key: str, channel: str, what: str, ours: Sequence[Any], record: Sequence[Any]) -> int:
    """A task whose detail is JSON: channel, what (fee in đồng, time as [value, unit]), ours, record."""
    detail = json.dumps({"channel": channel, "what": what, "ours": ours, "record": record})
    return open_task(f"procedure:{key}", "disagrees", detail)


def open_task(subject: str, kind: str, detail: str) -> int:
    """Give editors something to look at, once; returns 1 when it is new."""
    done = db.session.execute(
        upsert(EditorTask)
        .values(subject=subject, kind=kind, detail=detail, opened_at=now())
        .on_conflict_do_nothing()
    )
    return int(done.rowcount)  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides

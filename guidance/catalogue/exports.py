"""The official records back out, as they came in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import and_, func, select

from guidance.catalogue.imports import unpack
from guidance.catalogue.models import OfficialRecord, Procedure, RecordVersion
from guidance.db import db


def originals() -> Iterator[dict[str, Any]]:
    """Every official record in its newest state, quarantined ones too, ordered by key."""
    latest = (
        select(RecordVersion.procedure_id, func.max(RecordVersion.number).label("number"))
        .group_by(RecordVersion.procedure_id)
        .subquery()
    )
    query = (
        select(RecordVersion.original)
        .join(
            latest,
            and_(
                latest.c.procedure_id == RecordVersion.procedure_id,
                latest.c.number == RecordVersion.number,
            ),
        )
        .join(OfficialRecord, OfficialRecord.procedure_id == RecordVersion.procedure_id)
        .join(Procedure, Procedure.id == RecordVersion.procedure_id)
        .order_by(Procedure.key)
    )
    for packed in db.session.scalars(query.execution_options(yield_per=500)):
        yield unpack(packed)


def write(path: Path) -> int:
    """Write the records to a file, one JSON object a line; returns how many."""
    count = 0
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        for original in originals():
            file.write(json.dumps(original, ensure_ascii=False) + "\n")
            count += 1
    return count

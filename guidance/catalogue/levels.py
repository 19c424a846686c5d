"""Online levels from a file: one source's word, for one place and one day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import select

from guidance import audit, bounds
from guidance.catalogue import cards
from guidance.catalogue.models import OfficialRecord, OnlineLevel, Procedure
from guidance.catalogue.normalise import national_code
from guidance.db import content_changed, db, transaction
from guidance.errors import ImportRefused
from guidance.text import fold

LEVEL_WORDS = {
    "toan trinh": "full",
    "mot phan": "partial",
    "4": "full",
    "3": "partial",
    "2": "info",
    "1": "info",
}


@dataclass
class LevelsReport:
    """What a file of online levels did: matched, not matched (with the reason), unchanged."""

    read: int = 0
    stored: int = 0
    unchanged: int = 0
    unmatched: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


@transaction
def save_levels(path: Path, source: str, as_of: date, unit_id: int | None, by: str = "") -> LevelsReport:
    """Store online levels from a CSV (code, name, sector, online_level) as one place's and one day's."""
    rows = bounds.read_rows(path)
    if not rows or not {"code", "name", "online_level"} <= set(rows[0]):
        raise ImportRefused(f"{path.name} needs the columns code, name, online_level. Nothing was stored.")
    report = LevelsReport(read=len(rows))
    by_code = dict(db.session.execute(select(Procedure.code, Procedure.id)).all())
    names = Counter(db.session.scalars(select(OfficialRecord.folded_name)).all())
    by_name = dict(db.session.execute(select(OfficialRecord.folded_name, OfficialRecord.procedure_id)).all())
    for number, row in enumerate(rows, start=2):
        level = LEVEL_WORDS.get(fold(row["online_level"] or "").strip())
        if level is None:
            report.rejected.append(f"line {number}: online_level {row['online_level']!r} is not a level")
            continue
        code = national_code(row["code"] or "")
        folded = fold(" ".join((row["name"] or "").split()))
        procedure_id = by_code.get(code) if code else None
        if procedure_id is None and not code and names[folded] == 1:
            procedure_id = by_name[folded]
        if procedure_id is None:
            report.unmatched.append(f"line {number}: {row['code'] or 'no code'} {row['name'][:80]}")
            continue
        _save_level(procedure_id, level, source, as_of, unit_id, report)
    if report.rejected:
        raise ImportRefused("\n".join(report.rejected[:50]) + "\nNothing was stored.")
    if report.stored:
        cards.refresh()
        content_changed()
        audit.record("catalogue.levels", "catalogue", by, file=path.name, stored=report.stored, source=source)
    return report


def _save_level(
    procedure_id: int, level: str, source: str, as_of: date, unit_id: int | None, report: LevelsReport
) -> None:
    present = db.session.scalar(
        select(OnlineLevel).where(
            OnlineLevel.procedure_id == procedure_id,
            OnlineLevel.unit_id.is_(unit_id) if unit_id is None else OnlineLevel.unit_id == unit_id,
            OnlineLevel.as_of == as_of.isoformat(),
        )
    )
    if present is not None and (present.level, present.source) == (level, source):
        report.unchanged += 1
        return
    if present is None:
        present = OnlineLevel(procedure_id=procedure_id, unit_id=unit_id, as_of=as_of.isoformat())
        db.session.add(present)
    present.level, present.source = level, source
    db.session.flush()
    report.stored += 1

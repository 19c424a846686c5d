"""Changes to official figures, targets, denominators and keys; each is one transaction."""

import secrets
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update

from guidance import audit, content_files, security
from guidance.adoption import imports, indicators
from guidance.adoption.imports import Checked, MarkLine, OfficeNamed, TaskLine, Value
from guidance.adoption.models import (
    ApiKey,
    ChecklistMark,
    ColumnMapping,
    Denominator,
    FigureImport,
    IndicatorValue,
    Office,
    ProgrammeTask,
    Target,
)
from guidance.config import PROJECT
from guidance.db import content_changed, db, now, transaction
from guidance.errors import Conflict, NotFound, UserError
from guidance.units import queries as units

HISTORY = PROJECT / "guidance" / "content" / "history.yaml"
CALLS_A_MINUTE = 120


class AlreadyUndone(Conflict):
    """The import was undone before."""

    message = _l("This import has been undone already.")


class ReplacedSince(Conflict):
    """A later import replaced figures of this one."""

    message = _l("A later import replaced some of these figures. Undo that one first.")


class NeedsOne(UserError):
    """A target or denominator lacks its number, or has two."""

    status = 422
    message = _l("Give either a number or a share.")


class Report(NamedTuple):
    """What an import did. `import_id` is None when there was nothing to change."""

    lines: int
    stored: int
    unchanged: int
    replaced: int
    import_id: int | None


@transaction
def save_import(found: Checked, by: str, unit_id: int | None = None, dry_run: bool = False) -> Report:
    """Store everything a file holds, or nothing; a second time changes nothing."""
    imports.refuse(found)
    entry = FigureImport(
        indicator_set=found.indicator_set,
        file_name=found.file_name,
        digest=found.digest,
        lines=found.lines,
        stored=0,
        at=now(),
        by=by,
        unit_id=unit_id,
    )
    db.session.add(entry)
    db.session.flush()
    stored, replaced = _save_values(found.values, entry.id, by)
    for task in found.tasks:
        _tally = _save_task(task, entry.id)
        stored, replaced = stored + _tally[0], replaced + _tally[1]
    for mark in found.marks:
        _tally = _save_mark(mark, entry.id)
        stored, replaced = stored + _tally[0], replaced + _tally[1]
    entry.stored = stored
    report = Report(found.lines, stored, found.found - stored, replaced, entry.id if stored else None)
    if dry_run or not stored:
        db.session.rollback()
        return report
    _remember(found)
    content_changed()
    audit.record(
        "figures.import",
        f"import:{entry.id}",
        by,
        set=found.indicator_set,
        file=found.file_name,
        stored=stored,
    )
    return report


def _remember(found: Checked) -> None:
    key = imports.headings_key(found.head)
    known = db.session.scalar(
        select(ColumnMapping).where(
            ColumnMapping.indicator_set == found.indicator_set, ColumnMapping.headings == key
        )
    )
    if known is None:
        db.session.add(ColumnMapping(indicator_set=found.indicator_set, headings=key, mapping=found.mapping))
    else:
        known.mapping = found.mapping


def _offices(named: Iterable[OfficeNamed | None]) -> dict[OfficeNamed, int]:
    wanted = {office for office in named if office is not None}
    known = (
        {(office.code, office.within_id): office for office in db.session.scalars(select(Office))}
        if wanted
        else {}
    )
    found: dict[OfficeNamed, int] = {}
    for office in wanted:
        row = known.get((office.code, office.within_id))
        if row is None:
            row = Office(
                code=office.code, name=office.name, unit_id=office.unit_id, within_id=office.within_id
            )
            db.session.add(row)
            db.session.flush()
            known[office.code, office.within_id] = row
        elif (row.name, row.unit_id) != (office.name, office.unit_id):
            row.name, row.unit_id = office.name, office.unit_id
        found[office] = row.id
    return found


_SAME = (
    "numerator",
    "denominator",
    "qualifier",
    "reported_share",
    "share_qualifier",
    "form_code",
    "note",
)


def _save_values(values: list[Value], import_id: int, by: str) -> tuple[int, int]:
    offices = _offices(value.office for value in values)
    keys = {value.indicator for value in values}
    ends = {value.period_end for value in values}
    present: dict[tuple[object, ...], IndicatorValue] = {}
    if values:
        query = select(IndicatorValue).where(
            IndicatorValue.ended_by.is_(None),
            IndicatorValue.indicator.in_(keys),
            IndicatorValue.period_end.in_(ends),
        )
        for row in db.session.scalars(query):
            present[row.indicator, row.unit_id, row.office_id, row.part, row.period_start, row.period_end] = (
                row
            )
    stored = replaced = 0
    instant = now()
    for value in values:
        office_id = offices[value.office] if value.office else None
        old = present.get(
            (value.indicator, value.unit_id, office_id, value.part, value.period_start, value.period_end)
        )
        if old is not None:
            if all(getattr(old, name) == getattr(value, name) for name in _SAME):
                continue
            old.ended_by = import_id
            replaced += 1
        fields: dict[str, Any] = {
            name: getattr(value, name)
            for name in (*_SAME, "indicator", "unit_id", "part", "period_start", "period_end")
        }
        db.session.add(
            IndicatorValue(
                **fields,
                office_id=office_id,
                source_document=value.source_document,
                source_url=value.source_url,
                retrieved_on=value.retrieved_on,
                entered_by=by,
                entered_at=instant,
                import_id=import_id,
            )
        )
        stored += 1
    db.session.flush()
    return stored, replaced


def _save_task(task: TaskLine, import_id: int) -> tuple[int, int]:
    old = db.session.scalar(
        select(ProgrammeTask).where(
            ProgrammeTask.key == task.key,
            ProgrammeTask.ended_by.is_(None),
            ProgrammeTask.unit_id == task.unit_id
            if task.unit_id is not None
            else ProgrammeTask.unit_id.is_(None),
        )
    )
    names = ("grouping", "name", "owner", "due", "state")
    if old is not None:
        if all(getattr(old, name) == getattr(task, name) for name in names):
            return 0, 0
        old.ended_by = import_id
    db.session.add(
        ProgrammeTask(
            unit_id=task.unit_id,
            key=task.key,
            as_of=task.as_of,
            source_document=task.source_document,
            import_id=import_id,
            **{name: getattr(task, name) for name in names},
        )
    )
    return 1, int(old is not None)


def _save_mark(mark: MarkLine, import_id: int) -> tuple[int, int]:
    old = db.session.scalar(
        select(ChecklistMark).where(
            ChecklistMark.unit_id == mark.unit_id,
            ChecklistMark.item == mark.item,
            ChecklistMark.ended_by.is_(None),
        )
    )
    if old is not None:
        if (old.done, old.evidence) == (mark.done, mark.evidence):
            return 0, 0
        old.ended_by = import_id
    db.session.add(
        ChecklistMark(
            unit_id=mark.unit_id,
            item=mark.item,
            done=mark.done,
            marked_on=mark.marked_on,
            evidence=mark.evidence,
            source_document=mark.source_document,
            import_id=import_id,
        )
    )
    return 1, int(old is not None)


@transaction
def undo_import(import_id: int, by: str) -> int:
    """Take the figures of an import out again and bring back what they replaced; gives how many went."""
    entry = db.session.get(FigureImport, import_id)
    if entry is None:
        raise NotFound
    if entry.undone_at is not None:
        raise AlreadyUndone
    gone = 0
    for table in (IndicatorValue, ProgrammeTask, ChecklistMark):
        if db.session.scalar(
            select(table.id).where(table.import_id == import_id, table.ended_by.is_not(None)).limit(1)
        ):
            raise ReplacedSince
    for table in (IndicatorValue, ProgrammeTask, ChecklistMark):
        done = db.session.execute(delete(table).where(table.import_id == import_id))
        gone += done.rowcount  # type: ignore[attr-defined]  # a CursorResult, which the annotation hides
        db.session.execute(update(table).where(table.ended_by == import_id).values(ended_by=None))
    entry.undone_at, entry.undone_by = now(), by
    content_changed()
    audit.record("figures.undo_import", f"import:{import_id}", by, taken_out=gone)
    return gone


@transaction
def save_target(
    indicator: str,
    unit_id: int | None,
    period: tuple[date, date],
    number: float | None,
    share: float | None,
    source: str,
    by: str,
) -> bool:
    """Set a target for a unit and period; gives whether anything changed."""
    if (number is None) == (share is None):
        raise NeedsOne
    old = db.session.scalar(
        select(Target).where(
            Target.indicator == indicator,
            Target.unit_id == unit_id if unit_id is not None else Target.unit_id.is_(None),
            Target.period_start == period[0],
            Target.period_end == period[1],
        )
    )
    if old is not None and (old.number, old.share, old.source) == (number, share, source):
        return False
    before = {"number": old.number, "share": old.share} if old else None
    if old is None:
        old = Target(
            indicator=indicator,
            unit_id=unit_id,
            period_start=period[0],
            period_end=period[1],
            entered_by=by,
            entered_at=now(),
        )
        db.session.add(old)
    old.number, old.share, old.source, old.entered_by, old.entered_at = number, share, source, by, now()
    db.session.flush()
    audit.record(
        "figures.target",
        f"target:{old.id}",
        by,
        indicator=indicator,
        number=number,
        share=share,
        before=before,
    )
    return True


@transaction
def remove_target(target_id: int, by: str) -> None:
    """Take a target back."""
    target = db.session.get(Target, target_id)
    if target is None:
        raise NotFound
    audit.record(
        "figures.remove_target",
        f"target:{target_id}",
        by,
        indicator=target.indicator,
        number=target.number,
        share=target.share,
    )
    db.session.delete(target)


@transaction
def save_targets(
    rows: list[tuple[str, int | None, tuple[date, date], float | None, float | None, str]], by: str
) -> int:
    """Set many targets, all or none; gives how many changed."""
    return sum(save_target(*row, by) for row in rows)


@transaction
def save_denominator(
    indicator: str, unit_id: int | None, period: tuple[date, date], number: float, source: str, by: str
) -> None:
    """State how many there are in all, with the source; a later statement for the same time wins."""
    if number <= 0 or not source.strip():
        raise NeedsOne(_("A denominator needs a number above nothing, and its source."))
    db.session.add(
        Denominator(
            indicator=indicator,
            unit_id=unit_id,
            period_start=period[0],
            period_end=period[1],
            number=number,
            source=source.strip(),
            entered_by=by,
            entered_at=now(),
        )
    )
    audit.record(
        "figures.denominator",
        f"unit:{unit_id or 'all'}",
        by,
        indicator=indicator,
        number=number,
        source=source,
    )


@transaction
def load_history(by: str = "starter content") -> Report:
    """Load the figures of earlier reports that ship with the site, as reported; twice is once."""
    content = content_files.read(HISTORY)
    known = indicators.all_indicators()
    by_set: dict[str, list[Value]] = {}
    for document in content["documents"]:
        for row in document["values"]:
            place = units.by_code(row["unit"])
            if place is None:
                raise UserError(f"The unit {row['unit']} is not loaded; import the units first.")
            start, end = row.get("period", document["period"])
            value = Value(
                line=0,
                indicator=row["indicator"],
                unit_id=place.id,
                office=None,
                part="",
                period_start=start,
                period_end=end,
                numerator=row.get("numerator"),
                denominator=row.get("denominator"),
                qualifier=row.get("qualifier", "="),
                reported_share=row.get("share"),
                share_qualifier=row.get("share_qualifier", "="),
                form_code=row.get("form_code", ""),
                source_document=document["title"],
                note=row.get("note", ""),
            )
            by_set.setdefault(known[value.indicator].set, []).append(value)
    reports = []
    for name, values in by_set.items():
        found = Checked(name, HISTORY.name, "", (), {}, len(values), values)
        reports.append(_save_history(found, by))
    return Report(
        sum(report.lines for report in reports),
        sum(report.stored for report in reports),
        sum(report.unchanged for report in reports),
        0,
        None,
    )


def _save_history(found: Checked, by: str) -> Report:
    """Store values that are not there yet; what somebody corrected stays as corrected."""
    entry = FigureImport(
        indicator_set=found.indicator_set,
        file_name=found.file_name,
        digest="",
        lines=found.lines,
        stored=0,
        at=now(),
        by=by,
    )
    fresh = [
        value
        for value in found.values
        if not db.session.scalar(
            select(IndicatorValue.id)
            .where(
                IndicatorValue.indicator == value.indicator,
                IndicatorValue.unit_id == value.unit_id,
                IndicatorValue.period_start == value.period_start,
                IndicatorValue.period_end == value.period_end,
            )
            .limit(1)
        )
    ]
    if fresh:
        db.session.add(entry)
        db.session.flush()
        entry.stored, _replaced = _save_values(fresh, entry.id, by)
        content_changed()
    return Report(found.lines, len(fresh), found.lines - len(fresh), 0, None)


class NewKey(NamedTuple):
    """A key just made; the secret is shown this once."""

    id: int
    secret: str


@transaction
def create_key(name: str, unit_id: int | None, by: str) -> NewKey:
    """A key for another system; only its fingerprint is kept."""
    secret = "fig_" + secrets.token_urlsafe(32)
    row = ApiKey(
        name=name.strip()[:100],
        fingerprint=security.signed("api key", secret),
        begins=secret[:8],
        unit_id=unit_id,
        created_at=now(),
        created_by=by,
    )
    db.session.add(row)
    db.session.flush()
    audit.record("key.create", f"key:{row.id}", by, name=row.name, unit=unit_id)
    return NewKey(row.id, secret)


@transaction
def revoke_key(key_id: int, by: str) -> None:
    """Make a key useless from now on."""
    row = db.session.get(ApiKey, key_id)
    if row is None:
        raise NotFound
    if row.revoked_at is None:
        row.revoked_at = now()
        audit.record("key.revoke", f"key:{key_id}", by, name=row.name)


class KeyUsed(NamedTuple):
    """What a valid key may read, and whether it has called too often this minute."""

    id: int
    name: str
    unit_id: int | None
    too_often: bool


@transaction
def use_key(secret: str) -> KeyUsed | None:
    """Count one call with a key; None when there is no such key or it was revoked.

    The first call of a day leaves a line in the audit log: one for each would drown the others.
    """
    row = db.session.scalar(
        select(ApiKey).where(
            ApiKey.fingerprint == security.signed("api key", secret), ApiKey.revoked_at.is_(None)
        )
    )
    if row is None:
        return None
    if row.used_at is None or row.used_at.date() < now().date():
        audit.record("key.use", f"key:{row.id}", name=row.name)
    minute = int(now().timestamp()) // 60
    calls = row.calls + 1 if row.minute == minute else 1
    db.session.execute(
        update(ApiKey).where(ApiKey.id == row.id).values(minute=minute, calls=calls, used_at=now())
    )
    return KeyUsed(row.id, row.name, row.unit_id, calls > CALLS_A_MINUTE)

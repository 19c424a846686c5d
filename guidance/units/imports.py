"""Administrative units and their succession from CSV files, recognised by their columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import insert, select, update

from guidance import audit, bounds
from guidance.db import db, transaction
from guidance.errors import ImportRefused
from guidance.text import fold
from guidance.units.models import BEFORE_RECORDS, REFORM_DAY, Unit, UnitSuccession

BEFORE = {"province_code", "province", "district_code", "district", "ward_code", "ward"}
AFTER = {"province_code", "province", "ward_code", "ward"}
SUCCESSION = {"old_ward_code", "old_ward", "new_province_code", "new_ward_code", "relation"}
_LABELS = ("Thành phố", "Tỉnh", "Quận", "Huyện", "Thị xã", "Thị trấn", "Phường", "Xã", "Đặc khu")


class UnitRow(NamedTuple):
    """One unit as a file names it; parents come before children."""

    code: str
    name: str
    kind: str
    parent: str | None
    valid_from: date
    valid_to: date | None
    latitude: float | None = None
    longitude: float | None = None


class SuccessionRow(NamedTuple):
    """Old commune → new commune, whole or split."""

    old_code: str
    new_code: str
    relation: str


@dataclass
class Checked:
    """What the files hold: units, successions, and what is wrong with single lines."""

    lines: int = 0
    units: dict[tuple[str, str, date], UnitRow] = field(default_factory=dict)
    successions: list[SuccessionRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Report(NamedTuple):
    """What an import did."""

    lines: int
    stored: int
    changed: int
    unchanged: int


def _number(text: str | None) -> float | None:
    return float(text) if text else None


def check(paths: Iterable[Path]) -> Checked:
    """Read the files, in any order; raises ImportRefused when a file is none of the three known kinds."""
    found = Checked()
    for path in paths:
        rows = bounds.read_rows(path)
        columns = set(rows[0]) if rows else set()
        if columns >= SUCCESSION:
            read = _read_succession
        elif columns >= BEFORE:
            read = _read_before
        elif columns >= AFTER:
            read = _read_after
        else:
            raise ImportRefused(
                f"{path}: the columns are not those of a file of units or of their succession. Nothing was stored."
            )
        for number, row in enumerate(rows, start=2):
            found.lines += 1
            try:
                read(row, found)
            except (ValueError, KeyError, TypeError) as wrong:
                found.problems.append(f"{path.name}, line {number}: {wrong}")
    return found


def _add(found: Checked, row: UnitRow) -> None:
    found.units.setdefault((row.kind, row.code, row.valid_from), row)


def _filled(row: dict[str, str], *names: str) -> list[str]:
    values = [(row.get(name) or "").strip() for name in names]
    for name, value in zip(names, values, strict=True):
        if not value:
            raise ValueError(f"{name} is empty")
    return values


def _read_before(row: dict[str, str], found: Checked) -> None:
    names = ("province_code", "province", "district_code", "district")
    province_code, province, district_code, district = _filled(row, *names)
    last = REFORM_DAY - timedelta(days=1)
    _add(found, UnitRow(province_code, province, "province", None, BEFORE_RECORDS, last))
    _add(found, UnitRow(district_code, district, "district", province_code, BEFORE_RECORDS, last))
    if not row["ward_code"] and not row["ward"]:
        return  # island districts had no communes
    code, name = _filled(row, "ward_code", "ward")
    place = (_number(row.get("lat")), _number(row.get("lon")))
    _add(found, UnitRow(code, name, "commune", district_code, BEFORE_RECORDS, last, *place))


def _read_after(row: dict[str, str], found: Checked) -> None:
    province_code, province, code, name = _filled(row, "province_code", "province", "ward_code", "ward")
    _add(found, UnitRow(province_code, province, "province", None, REFORM_DAY, None))
    place = (_number(row.get("lat")), _number(row.get("lon")))
    _add(found, UnitRow(code, name, "commune", province_code, REFORM_DAY, None, *place))


def _read_succession(row: dict[str, str], found: Checked) -> None:
    old, new, relation = _filled(row, "old_ward_code", "new_ward_code", "relation")
    if relation not in {"whole", "split"}:
        raise ValueError(f"relation is {relation!r}, not 'whole' or 'split'")
    found.successions.append(SuccessionRow(old, new, relation))


def without_label(name: str) -> str:
    """A unit's own name: 'Xã Lập Thạch' → 'Lập Thạch'."""
    for label in _LABELS:
        if name.startswith(label + " "):
            return name[len(label) + 1 :]
    return name


@transaction
def save(found: Checked, by: str = "", dry_run: bool = False) -> Report:
    """Store all or nothing; a second time changes nothing."""
    if found.problems:
        raise ImportRefused("\n".join(found.problems[:50]) + "\nNothing was stored.")
    known = {(unit.kind, unit.code, unit.valid_from): unit for unit in db.session.scalars(select(Unit))}
    stored = changed = 0
    for layer in ("province", "district", "commune"):
        rows = [row for row in found.units.values() if row.kind == layer]
        stored_here, changed_here = _save_layer(rows, known)
        stored += stored_here
        changed += changed_here
    added, links = _save_successions(found.successions, known)
    unchanged = len(found.units) + links - stored - changed - added
    report = Report(found.lines, stored + added, changed, unchanged)
    if dry_run:
        db.session.rollback()
    elif report.stored or report.changed:
        audit.record("units.import", "units", by, lines=report.lines, stored=report.stored, changed=changed)
    return report


def _save_layer(rows: Sequence[UnitRow], known: dict[tuple[str, str, date], Unit]) -> tuple[int, int]:
    fresh: list[dict[str, object]] = []
    changed = 0
    for row in rows:
        parent = _parent_id(row, known)
        values: dict[str, object] = {
            "name": row.name,
            "folded_name": fold(row.name),
            "label": row.name.removesuffix(without_label(row.name)).strip(),
            "parent_id": parent,
            "valid_to": row.valid_to,
        }
        if row.latitude is not None:
            values |= {"latitude": row.latitude, "longitude": row.longitude}
        unit = known.get((row.kind, row.code, row.valid_from))
        if unit is None:
            key: dict[str, object] = {"code": row.code, "kind": row.kind, "valid_from": row.valid_from}
            place: dict[str, object] = {"latitude": row.latitude, "longitude": row.longitude}
            fresh.append(key | values | place)
        elif any(getattr(unit, name) != value for name, value in values.items()):
            db.session.execute(update(Unit).where(Unit.id == unit.id).values(**values))
            changed += 1
    if fresh:
        db.session.execute(insert(Unit), fresh)
        codes = [str(row["code"]) for row in fresh]
        for start in range(0, len(codes), 500):
            chunk = select(Unit).where(Unit.code.in_(codes[start : start + 500]))
            known.update(
                {(unit.kind, unit.code, unit.valid_from): unit for unit in db.session.scalars(chunk)}
            )
    return len(fresh), changed


def _parent_id(row: UnitRow, known: dict[tuple[str, str, date], Unit]) -> int | None:
    if row.parent is None:
        return None
    kind = "district" if row.kind == "commune" and row.valid_to is not None else "province"
    return known[kind, row.parent, row.valid_from].id


def _save_successions(
    rows: Sequence[SuccessionRow], known: dict[tuple[str, str, date], Unit]
) -> tuple[int, int]:
    """Communes as the file says; provinces and districts follow from their communes."""
    present = {
        (old, new) for old, new in db.session.execute(select(UnitSuccession.old_id, UnitSuccession.new_id))
    }
    parents = {unit.id: unit.parent_id for unit in known.values()}
    links: dict[tuple[int, int], str] = {}
    missing: list[str] = []
    for row in rows:
        old = known.get(("commune", row.old_code, BEFORE_RECORDS))
        new = known.get(("commune", row.new_code, REFORM_DAY))
        if old is None or new is None:
            missing.append(row.old_code if old is None else row.new_code)
            continue
        links[old.id, new.id] = row.relation
    if missing:
        raise ImportRefused(
            f"The succession names units that no file holds: {', '.join(sorted(set(missing))[:20])}. "
            "Import the units before and after July 2025 together with it. Nothing was stored."
        )
    links |= _links_above(links, parents)
    fresh = [
        {"old_id": old, "new_id": new, "relation": relation}
        for (old, new), relation in links.items()
        if (old, new) not in present
    ]
    if fresh:
        db.session.execute(insert(UnitSuccession), fresh)
    return len(fresh), len(links)


def _links_above(
    links: dict[tuple[int, int], str], parents: dict[int, int | None]
) -> dict[tuple[int, int], str]:
    """District → communes that took over from it, province → province, each 'whole' when there is but one."""
    districts: dict[tuple[int, int], str] = {}
    provinces: dict[int, set[int]] = {}
    for (old, new), _relation in links.items():
        district = parents.get(old)
        province = parents.get(district) if district else None
        new_province = parents.get(new)
        if district:
            districts[district, new] = "split"
        if province and new_province:
            provinces.setdefault(province, set()).add(new_province)
    above = dict(districts)
    for province, targets in provinces.items():
        for target in targets:
            above[province, target] = "whole" if len(targets) == 1 else "split"
    return above

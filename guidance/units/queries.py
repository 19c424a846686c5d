"""Which units there are, were, and what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, and_, or_, select

from guidance.db import db
from guidance.i18n import VIETNAM
from guidance.text import fold
from guidance.units.models import BEFORE_RECORDS, Unit, UnitSuccession


@dataclass(frozen=True)
class Place:
    """A unit as pages and figures need it. `valid_from` is None where the records do not say."""

    id: int
    code: str
    name: str
    kind: str
    parent_id: int | None
    valid_from: date | None
    valid_to: date | None

    @property
    def key(self) -> str:
        """How to name this unit for certain: its code, with a day it was valid on when it is no longer."""
        return self.code if self.valid_to is None else f"{self.code}@{self.valid_to.isoformat()}"


@dataclass(frozen=True)
class Successor:
    """A unit that took over from another one, wholly or in part."""

    place: Place
    relation: str


def today() -> date:
    """Today in Vietnam."""
    return datetime.now(VIETNAM).date()


def _place(unit: Unit) -> Place:
    begins = None if unit.valid_from == BEFORE_RECORDS else unit.valid_from
    return Place(unit.id, unit.code, unit.name, unit.kind, unit.parent_id, begins, unit.valid_to)


def _valid_on(day: date) -> Select[Unit]:
    return select(Unit).where(Unit.valid_from <= day, or_(Unit.valid_to.is_(None), Unit.valid_to >= day))


def by_code(code: str, on: date | None = None) -> Place | None:
    """The unit a code names on a day (today unless given); `25@2025-06-30` carries its own day."""
    bare, _at, day = code.strip().partition("@")
    try:
        when = date.fromisoformat(day) if day else on or today()
    except ValueError:
        return None
    unit = db.session.scalar(
        _valid_on(when).where(Unit.code == bare).order_by(Unit.valid_from.desc()).limit(1)
    )
    return _place(unit) if unit else None


def by_id(unit_id: int) -> Place | None:
    """The unit with this id."""
    unit = db.session.get(Unit, unit_id)
    return _place(unit) if unit else None


def by_ids(unit_ids: Iterable[int]) -> dict[int, Place]:
    """Units by id."""
    units = db.session.scalars(select(Unit).where(Unit.id.in_(list(unit_ids))))
    return {unit.id: _place(unit) for unit in units}


def provinces(on: date | None = None) -> list[Place]:
    """The provinces of a day, by name."""
    query = _valid_on(on or today()).where(Unit.kind == "province").order_by(Unit.folded_name)
    return [_place(unit) for unit in db.session.scalars(query)]


def children(unit_id: int) -> list[Place]:
    """The units directly below one, by name."""
    query = select(Unit).where(Unit.parent_id == unit_id).order_by(Unit.folded_name)
    return [_place(unit) for unit in db.session.scalars(query)]


def ids_below(unit_id: int) -> list[int]:
    """The unit itself and all below it (province → districts → communes of its own time)."""
    found = [unit_id]
    layer: Sequence[int] = [unit_id]
    while layer:
        layer = db.session.scalars(select(Unit.id).where(Unit.parent_id.in_(layer))).all()
        found.extend(layer)
    return found


def communes_below(unit_id: int | None, on: date | None = None) -> list[Place]:
    """The communes of a day inside a unit (the unit itself when it is one); all of the site without a unit."""
    query = _valid_on(on or today()).where(Unit.kind == "commune").order_by(Unit.folded_name)
    if unit_id is not None:
        query = query.where(Unit.id.in_(ids_below(unit_id)))
    return [_place(unit) for unit in db.session.scalars(query)]


def present_units() -> list[Place]:
    """The provinces and communes of today: each province, then its communes."""
    query = _valid_on(today()).order_by(Unit.folded_name)
    by_parent: dict[int | None, list[Place]] = defaultdict(list)
    for unit in db.session.scalars(query):
        by_parent[unit.parent_id].append(_place(unit))
    return [place for province in by_parent[None] for place in (province, *by_parent.get(province.id, []))]


def successors(unit_id: int) -> list[Successor]:
    """What took over from a unit, directly."""
    query = (
        select(Unit, UnitSuccession.relation)
        .join(UnitSuccession, UnitSuccession.new_id == Unit.id)
        .where(UnitSuccession.old_id == unit_id)
        .order_by(Unit.folded_name)
    )
    return [Successor(_place(unit), relation) for unit, relation in db.session.execute(query)]


def predecessors(unit_id: int) -> list[Successor]:
    """What a unit took over from, directly."""
    query = (
        select(Unit, UnitSuccession.relation)
        .join(UnitSuccession, UnitSuccession.old_id == Unit.id)
        .where(UnitSuccession.new_id == unit_id)
        .order_by(Unit.folded_name)
    )
    return [Successor(_place(unit), relation) for unit, relation in db.session.execute(query)]


def named(words: str, limit: int = 12) -> list[Place]:
    """Units old and new whose name holds the words, with or without diacritics; today's first."""
    folded = fold(words)
    if not folded:
        return []
    query = (
        select(Unit)
        .where(or_(Unit.folded_name == folded, Unit.folded_name.contains(folded, autoescape=True)))
        .order_by(
            Unit.valid_to.is_(None).desc(),
            (Unit.folded_name == folded).desc(),
            Unit.folded_name.startswith(folded, autoescape=True).desc(),
            Unit.folded_name,
        )
        .limit(limit)
    )
    return [_place(unit) for unit in db.session.scalars(query)]


def page(limit: int, after: int = 0, on: date | None = None) -> list[Place]:
    """Units in a fixed order for the API, all times unless a day is given."""
    query = select(Unit) if on is None else _valid_on(on)
    return [
        _place(unit)
        for unit in db.session.scalars(query.where(Unit.id > after).order_by(Unit.id).limit(limit))
    ]


def any_unit() -> bool:
    """Whether any units are loaded."""
    return db.session.scalar(select(Unit.id).limit(1)) is not None


def path_names(unit_id: int) -> list[str]:
    """Names from the unit up to its province."""
    names: list[str] = []
    unit = db.session.get(Unit, unit_id)
    while unit is not None:
        names.append(unit.name)
        unit = db.session.get(Unit, unit.parent_id) if unit.parent_id else None
    return names


def match_by_name(name: str, parent_id: int, on: date) -> Place | None:
    """The one unit of a day below a parent with exactly this name (diacritics folded), None when none or several."""
    query = _valid_on(on).where(and_(Unit.parent_id == parent_id, Unit.folded_name == fold(name))).limit(2)
    units = list(db.session.scalars(query))
    return _place(units[0]) if len(units) == 1 else None

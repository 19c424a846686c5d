"""Which units there are, were, and what became of them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import aliased

from guidance.db import db, rows_of
from guidance.i18n import VIETNAM
from guidance.text import fold
from guidance.units.models import (
    BEFORE_RECORDS,
    WEEKDAYS,
    ServiceCentre,
    Unit,
    UnitServed,
    UnitSuccession,
)


class Place(NamedTuple):
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
        return key(self.code, self.valid_to)


def key(code: str, valid_to: date | None) -> str:
    """How to name a unit for certain."""
    return code if valid_to is None else f"{code}@{valid_to.isoformat()}"


class Successor(NamedTuple):
    """A unit that took over from another one, wholly or in part."""

    place: Place
    relation: str


def today() -> date:
    """Today in Vietnam."""
    return datetime.now(VIETNAM).date()


def _place(unit: Any) -> Place:
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


_BY_IDS = select(Unit.__table__).where(Unit.id.in_(bindparam("ids", expanding=True)))


def by_id(unit_id: int) -> Place | None:
    """The unit with this id."""
    return by_ids([unit_id]).get(unit_id)


def by_ids(unit_ids: Iterable[int]) -> dict[int, Place]:
    """Units by id."""
    wanted = list(unit_ids)
    return {row.id: _place(row) for row in rows_of(_BY_IDS, ids=wanted)} if wanted else {}


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


class Match(NamedTuple):
    """A unit that fits what somebody typed, and what it lies or lay in, the nearest first."""

    place: Place
    within: tuple[str, ...]


_SHORT = {
    "tt": "thi tran",
    "tx": "thi xa",
    "tp": "thanh pho",
    "p": "phuong",
    "x": "xa",
    "h": "huyen",
    "q": "quan",
    "t": "tinh",
}
_SHORTENED = re.compile(r"\b(tt|tx|tp|p|x|h|q|t)\.\s*|^(tt|tx|tp)\s+")
_ENGLISH = re.compile(r"\b(?:commune|ward|district|province|township|town|city|special zone)\b")
_CODE = re.compile(r"\d{2,5}(?:@\d{4}-\d\d-\d\d)?")
MOST_MATCHES = 60


def _typed(words: str) -> list[str]:
    """What somebody typed as folded parts between commas: 'TT. Lập Thạch, Vĩnh Phúc' → thi tran lap thach, vinh phuc."""
    parts = []
    for part in fold(words).split(","):
        whole = _SHORTENED.sub(lambda found: _SHORT[found[1] or found[2]] + " ", part.strip())
        parts.append(" ".join(_ENGLISH.sub(" ", whole).split()))
    return [part for part in parts if part]


def found(words: str, limit: int = 30) -> list[Match]:
    """Units old and new that fit a name or code, with or without diacritics; the exact name first, then today's.

    'Tiên Lữ, Lập Thạch' and 'tien lu lap thach' name a unit together with what it lies in.
    """
    code, _at, day = words.strip().partition("@")
    if _CODE.fullmatch(words.strip()):
        place = by_code(words) if day else None
        query = select(Unit).where(Unit.code == code).order_by(Unit.valid_from.desc())
        if day:
            query = query.where(Unit.id == (place.id if place else None))
        return _with_paths(list(db.session.scalars(query)))
    parts = _typed(words)
    if not parts:
        return []
    units = _called(parts[0], parts[1:], limit)
    tokens = parts[0].split()
    for cut in range(len(tokens) - 1, 0, -1):
        if units or len(parts) > 1:
            break
        units = _called(" ".join(tokens[:cut]), tokens[cut:], limit)
    spelled = words.partition(",")[0].strip().casefold()
    units.sort(key=lambda unit: spelled not in unit.name.casefold())
    return _with_paths(units[:limit])


def _called(name: str, above: Sequence[str], limit: int) -> list[Unit]:
    """Units whose name holds `name` and that lie in units whose names hold each of `above`."""
    parent, grandparent = aliased(Unit), aliased(Unit)
    exact = or_(Unit.folded_name == name, Unit.folded_name.endswith(" " + name, autoescape=True))
    query = select(Unit).where(Unit.folded_name.contains(name, autoescape=True))
    if above:
        query = query.join(parent, parent.id == Unit.parent_id).outerjoin(
            grandparent, grandparent.id == parent.parent_id
        )
    for part in above:
        holds = (unit.folded_name.contains(part, autoescape=True) for unit in (parent, grandparent))
        query = query.where(or_(*holds))
    query = query.order_by(
        exact.desc(),
        Unit.valid_to.is_(None).desc(),
        case({"province": 0, "district": 1}, value=Unit.kind, else_=2),
        Unit.folded_name,
        Unit.id,
    )
    return list(db.session.scalars(query.limit(max(limit, MOST_MATCHES))))


def _with_paths(units: Sequence[Unit]) -> list[Match]:
    above: dict[int, Unit] = {}
    wanted = {unit.parent_id for unit in units if unit.parent_id}
    while wanted:
        layer = list(db.session.scalars(select(Unit).where(Unit.id.in_(wanted))))
        above.update({unit.id: unit for unit in layer})
        wanted = {unit.parent_id for unit in layer if unit.parent_id} - above.keys()

    def names(unit: Unit) -> Iterator[str]:
        over = above.get(unit.parent_id or 0)
        while over is not None:
            yield over.name
            over = above.get(over.parent_id or 0)

    return [Match(_place(unit), tuple(names(unit))) for unit in units]


def matches_of(unit_ids: Iterable[int]) -> list[Match]:
    """Units by id with what they lie in, by name."""
    query = select(Unit).where(Unit.id.in_(list(unit_ids))).order_by(Unit.folded_name)
    return _with_paths(list(db.session.scalars(query)))


def named(words: str, limit: int = 12) -> list[Place]:
    """Units old and new that fit a name or code, the exact name first, then today's."""
    return [match.place for match in found(words, limit)]


def count_of_today() -> dict[str, int]:
    """How many provinces and communes there are today."""
    query = _valid_on(today()).with_only_columns(Unit.kind, func.count()).group_by(Unit.kind)
    return dict(db.session.execute(query).all())


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


class Told(NamedTuple):
    """Who says something and when it was checked; None: nobody has checked it."""

    title: str
    url: str
    verified_on: str | None


class Centre(NamedTuple):
    """A place where files are handed in; `serves` are further units beside its own.

    `hours` has a list of (from, to) for each of the seven weekdays from Monday, or is None where nobody told them.
    `revision` counts savings.
    """

    id: int
    unit: Place
    name: str
    main: bool
    address: str
    directions: str
    telephone: str
    hours: tuple[tuple[tuple[str, str], ...], ...] | None
    latitude: float | None
    longitude: float | None
    told: Told
    serves: tuple[Place, ...]
    revision: int

    def open_on(self, day: date) -> tuple[tuple[str, str], ...] | None:
        """The opening hours of a day, empty when closed, None when not known."""
        return None if self.hours is None else self.hours[day.weekday()]


def _hours(stored: dict[str, list[list[str]]]) -> tuple[tuple[tuple[str, str], ...], ...] | None:
    if not stored:
        return None
    return tuple(tuple((begin, end) for begin, end in stored.get(day, [])) for day in WEEKDAYS)


def _centres(query: Select[ServiceCentre]) -> list[Centre]:
    rows = list(db.session.scalars(query.where(ServiceCentre.removed.is_(False))))
    serves: dict[int, list[int]] = defaultdict(list)
    links = select(UnitServed.centre_id, UnitServed.unit_id).where(
        UnitServed.centre_id.in_([row.id for row in rows])
    )
    for centre_id, unit_id in db.session.execute(links):
        serves[centre_id].append(unit_id)
    places = by_ids({row.unit_id for row in rows} | {id_ for ids in serves.values() for id_ in ids})
    return [
        Centre(
            row.id,
            places[row.unit_id],
            row.name,
            row.main,
            row.address,
            row.directions,
            row.telephone,
            _hours(row.hours),
            row.latitude,
            row.longitude,
            Told(row.source, row.source_url, row.verified_on),
            tuple(sorted((places[id_] for id_ in serves[row.id]), key=lambda place: place.name)),
            row.revision,
        )
        for row in rows
    ]


def centres_of(unit_id: int) -> list[Centre]:
    """The centre of a unit and its reception points, then those of other units that also serve it."""
    served = select(UnitServed.centre_id).where(UnitServed.unit_id == unit_id)
    return _centres(
        select(ServiceCentre)
        .where(or_(ServiceCentre.unit_id == unit_id, ServiceCentre.id.in_(served)))
        .order_by((ServiceCentre.unit_id == unit_id).desc(), ServiceCentre.main.desc(), ServiceCentre.name)
    )


def centres_below(unit_ids: Iterable[int] | None = None) -> list[Centre]:
    """All centres, or those of some units: the province's first, then by unit."""
    query = select(ServiceCentre).join(Unit, Unit.id == ServiceCentre.unit_id)
    if unit_ids is not None:
        query = query.where(ServiceCentre.unit_id.in_(list(unit_ids)))
    return _centres(
        query.order_by(
            (Unit.kind == "province").desc(), Unit.folded_name, ServiceCentre.main.desc(), ServiceCentre.name
        )
    )


def centre(centre_id: int) -> Centre | None:
    """One centre."""
    rows = _centres(select(ServiceCentre).where(ServiceCentre.id == centre_id))
    return rows[0] if rows else None


def province_of(place: Place) -> Place:
    """The province a unit lies or lay in; a province itself."""
    while place.parent_id is not None:
        above = by_id(place.parent_id)
        if above is None:
            break
        place = above
    return place


class Entry(NamedTuple):
    """One unit as other systems read it: its parent's and successors' codes beside it."""

    place: Place
    parent: str | None
    successors: tuple[Successor, ...]


def entries(
    limit: int, after: int = 0, *, on: date | None = None, kind: str = "", code: str = "", parent: str = ""
) -> list[Entry]:
    """Units in a fixed order, of all times unless a day is given; `parent` is the code of a unit of that day."""
    query = select(Unit) if on is None else _valid_on(on)
    if kind:
        query = query.where(Unit.kind == kind)
    if code:
        query = query.where(Unit.code == code)
    if parent:
        above = aliased(Unit)
        query = query.join(above, above.id == Unit.parent_id).where(above.code == parent)
    units = list(db.session.scalars(query.where(Unit.id > after).order_by(Unit.id).limit(limit)))
    codes = by_ids({unit.parent_id for unit in units if unit.parent_id is not None})
    links: dict[int, list[Successor]] = defaultdict(list)
    rows = db.session.execute(
        select(UnitSuccession.old_id, Unit, UnitSuccession.relation)
        .join(Unit, Unit.id == UnitSuccession.new_id)
        .where(UnitSuccession.old_id.in_([unit.id for unit in units]))
        .order_by(Unit.folded_name)
    )
    for old_id, unit, relation in rows:
        links[old_id].append(Successor(_place(unit), relation))
    return [
        Entry(_place(unit), codes[unit.parent_id].code if unit.parent_id else None, tuple(links[unit.id]))
        for unit in units
    ]

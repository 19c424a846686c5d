"""DOORS: reports for managers, and the public figures."""

from typing import NamedTuple

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import audit, charts, i18n, tables
from guidance.accounts import access
from guidance.adoption import compare, exports, periods, publishing, queries
from guidance.adoption.labels import PLACES
from guidance.adoption.periods import Period
from guidance.db import transaction
from guidance.errors import NotAllowed, NotFound
from guidance.units import queries as units
from guidance.units.queries import Place
from guidance.web import public, render

bp = Blueprint("reports", __name__, url_prefix="/<lang:lang>/reports")
access.only(bp, "manager")
public_bp = Blueprint("adoption", __name__, url_prefix="/<lang:lang>/adoption")
access.public(public_bp)


class Filters(NamedTuple):
    """What the address asks for; `preset` is '' for a period of one's own."""

    place: Place | None
    period: Period
    preset: str
    topic: str
    desk: str = ""


def scope() -> Place | None:
    """The place whose figures the signed-in person may see; None for the whole site."""
    unit_id = access.current_staff().unit_id
    return units.by_id(unit_id) if unit_id is not None else None


def place_asked(period: Period) -> Place | None:
    """The unit in the address, or the person's own; refuses units outside the person's scope."""
    code = request.args.get("unit", "").strip()
    return unit_named(code, period) if code else scope()


def unit_named(code: str, period: Period) -> Place:
    """A unit of a period by its code; refuses units outside the person's scope."""
    own = scope()
    place = units.by_code(code, on=min(period.end, units.today())) or units.by_code(code)
    if place is None:
        raise NotFound(_("There is no unit with the code %(code)s in this period.", code=code[:40]))
    if own is not None and place.id not in units.ids_below(own.id):
        raise NotAllowed
    return place


def period_asked(default: str = "month") -> tuple[Period, str]:
    """The months in the address and the preset they came from."""
    first, last = request.args.get("from", "").strip(), request.args.get("to", "").strip()
    if first or last:
        return periods.between(first, last, units.today()), ""
    name = request.args.get("preset", default)
    name = name if name in periods.PRESETS else default
    return periods.preset(name, units.today()), name


def filters() -> Filters:
    """Everything the address asks for."""
    period, name = period_asked()
    place, topic = place_asked(period), request.args.get("topic", "").strip()[:200]
    desk = request.args.get("desk", "") if place is not None and place.kind == "commune" else ""
    return Filters(place, period, name, topic, desk if desk in PLACES else "")


def _number(value: float) -> str:
    return i18n.format_number(round(value, 1))


def _share(value: float) -> str:
    return i18n.format_share(value)


def month_chart(rows: tuple[queries.MonthRow, ...], target: float | None) -> object:
    """People helped by month as columns, last year as a thin line."""
    points = [
        charts.Point(
            f"{row.month.month}/{row.month:%y}",
            row.sums.people,
            _(
                "%(month)s: %(people)s people",
                month=i18n.format_month(row.month),
                people=_number(row.sums.people),
            ),
            row.partial,
        )
        for row in rows
    ]
    earlier = [float(row.year_before) for row in rows] if any(row.year_before for row in rows) else []
    words = _("Target: %(number)s a month", number=_number(target)) if target else ""
    return charts.over_time(points, _("People helped by month"), _number, target, words, earlier)


def unit_chart(rows: tuple[queries.UnitRow, ...]) -> object:
    """The league table's first twelve as bars."""
    shown = [row for row in rows if row.sums.people or row.target][:12]
    return charts.bars(
        [
            charts.Bar(
                row.place.name if row.place else _("Without a unit"),
                row.sums.people,
                _number(row.sums.people),
                row.target,
            )
            for row in shown
        ],
        _("People helped by unit"),
    )


def desk_chart(rows: tuple[queries.DeskRow, ...]) -> object:
    """The desks of a commune as bars."""
    return charts.bars(
        [charts.Bar(str(PLACES[row.desk]), row.sums.people, _number(row.sums.people)) for row in rows],
        _("People helped by desk"),
    )


@bp.get("/")
def dashboard() -> ResponseReturnValue:
    """People helped by month, unit and topic, within the person's scope."""
    chosen = filters()
    lang = i18n.current().code
    wait = request.args.get("topics") != "show"
    report = queries.report(
        chosen.place, chosen.period, chosen.topic, lang, units.today(), may_wait=wait, desk=chosen.desk
    )
    target = report.goal / report.period.length if report.goal else None
    return render(
        "adoption/dashboard.html",
        report=report,
        name=exports.place_name(report.place),
        chosen=chosen,
        places=place_choices(chosen.place),
        presets=periods.PRESETS,
        topic_title=_topic_title(chosen.topic),
        desk_names=PLACES,
        month_chart=month_chart(report.months, target),
        unit_chart=desk_chart(report.desks) if report.desks else unit_chart(report.units),
        address=address_of(chosen),
    )


def place_choices(place: Place | None) -> list[tuple[str, str]]:
    """Units to go to from a place: itself first, the one above, and those directly below."""
    above = _above(place)
    found = [(place.key if place else "", exports.place_name(place))]
    if above is not None:
        found.append((above.key, above.name))
    elif place is not None and scope() is None:
        found.append(("", _("The whole site")))
    return [*found, *((one.key, f"— {one.name}") for one in _inside(place))]


def _inside(place: Place | None) -> list[Place]:
    if place is None:
        return units.provinces()
    return units.children(place.id) if place.kind != "commune" else []


def _above(place: Place | None) -> Place | None:
    own = scope()
    if place is None or place.parent_id is None or (own is not None and own.id == place.id):
        return None
    return units.by_id(place.parent_id)


def _topic_title(topic: str) -> str:
    return queries.topic_titles([topic], i18n.current().code)[topic][0] if topic else ""


class Sides(NamedTuple):
    """What the address of a comparison asks for: the first side as on every report page, the second apart."""

    chosen: Filters
    place: Place | None
    period: Period


def _sides() -> Sides:
    """The second side: the same unit and the months before, unless the address names others."""
    chosen = filters()
    code = request.args.get("with-unit", "").strip()
    first, last = (request.args.get(f"with-{name}", "").strip() for name in ("from", "to"))
    period = chosen.period
    if first or last:
        period = periods.between(first, last, units.today())
    elif code in {"", chosen.place.key if chosen.place else ""}:
        period = chosen.period.cut(units.today()).before()
    if code == "all":
        if scope() is not None:
            raise NotAllowed
        return Sides(chosen, None, period)
    return Sides(chosen, unit_named(code, period) if code else chosen.place, period)


def _compared(sides: Sides) -> compare.Comparison:
    return compare.compare(
        (sides.chosen.place, sides.chosen.period),
        (sides.place, sides.period),
        i18n.current().code,
        units.today(),
    )


@bp.get("/compare")
def comparison() -> ResponseReturnValue:
    """Two units, or one unit in two periods, side by side."""
    sides = _sides()
    found = _compared(sides)
    names = [side.name for side in (found.left, found.right)]
    if names[0] == names[1]:
        names = [side.period.words for side in (found.left, found.right)]
    people = [
        charts.Bar(name, side.sums.people, _number(side.sums.people))
        for name, side in zip(names, (found.left, found.right), strict=True)
    ]
    return render(
        "adoption/compare.html",
        found=found,
        chosen=sides.chosen,
        near=_near(sides.chosen.place, sides.place),
        bars=charts.bars(people, _("People helped")),
        months=month_chart(compare.month_rows(found), None) if found.left.period.length > 1 else "",
        names=names,
    )


@bp.get("/compare.<any(csv, xlsx):kind>")
def download_comparison(kind: str) -> ResponseReturnValue:
    """The comparison as a file."""
    sides = _sides()
    staff = access.current_staff()
    note_export(f"compare.{kind}", sides.chosen.place, sides.chosen.period, staff.name)
    sheet = compare.sheet(_compared(sides), exports.made_here(staff.display_name))
    period = sides.chosen.period
    name = exports.file_name("compare", sides.chosen.place, period.start, period.end, kind)
    if kind == "csv":
        return as_file(tables.csv_stream(sheet.columns, sheet.rows, sheet.preface), tables.CSV, name)
    return as_file(tables.in_pieces(tables.xlsx([sheet])), tables.XLSX, name)


def _near(*places: Place | None) -> list[tuple[str, str]]:
    """Units that may be compared: those asked for, what is above them, beside them and below them, in scope."""
    own = scope()
    allowed = None if own is None else set(units.ids_below(own.id))
    found: dict[int, Place] = {}
    for place in places:
        parent = units.by_id(place.parent_id) if place and place.parent_id else None
        beside = units.children(parent.id) if parent else []
        for one in (parent, place, *beside, *_inside(place)):
            if one is not None and (allowed is None or one.id in allowed):
                found.setdefault(one.id, one)
    listed = [(one.key, one.name if one.kind == "province" else f"— {one.name}") for one in found.values()]
    return listed if own is not None else [("all", _("The whole site")), *listed]


def address_of(chosen: Filters) -> dict[str, str | None]:
    """The filters as arguments of an address, for downloads and links; what was not asked for is left out."""
    return {
        "unit": chosen.place.key if chosen.place else None,
        "from": chosen.period.from_text,
        "to": chosen.period.to_text,
        "topic": chosen.topic or None,
        "desk": chosen.desk or None,
    }


@transaction
def note_export(what: str, place: Place | None, period: Period, by: str) -> None:
    """Leave a line in the audit log: who took which figures out."""
    audit.record(
        "figures.export",
        f"unit:{place.key if place else 'all'}",
        by,
        what=what,
        period=f"{period.start}..{period.end}",
    )


@bp.get("/<any(months, units, desks, topics):table>.<any(csv, xlsx):kind>")
def download(table: str, kind: str) -> ResponseReturnValue:
    """One table of the dashboard as a file, under the same filters."""
    chosen = filters()
    staff = access.current_staff()
    report = queries.report(
        chosen.place, chosen.period, chosen.topic, i18n.current().code, units.today(), None, desk=chosen.desk
    )
    note_export(f"{table}.{kind}", chosen.place, chosen.period, staff.name)
    made = exports.made_here(staff.display_name)
    title = _topic_title(chosen.topic)
    name = exports.file_name(table, chosen.place, chosen.period.start, chosen.period.end, kind)
    if kind == "csv":
        return as_file(exports.csv_file(table, report, made, title), tables.CSV, name)
    return as_file(tables.in_pieces(exports.xlsx_file(table, report, made, title)), tables.XLSX, name)


def as_file(body: object, kind: str, name: str) -> Response:
    """A download with its name; streamed. Text is made before, because a stream outlives the request."""
    response = Response(body, mimetype=kind)  # type: ignore[arg-type]  # one of two known texts
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@public_bp.get("/")
def figures() -> ResponseReturnValue:
    """What everybody may know: people helped, small counts hidden."""
    period, name = period_asked("year")
    shown = publishing.page(period.cut(units.today()), i18n.current().code, units.today())
    points = [
        charts.Point(
            f"{row.month.month}/{row.month:%y}",
            row.people,
            publishing.words(row.people, i18n.format_month(row.month)),
            row.partial,
        )
        for row in shown.months
    ]
    return public(
        render(
            "adoption/public.html",
            shown=shown,
            presets=periods.PRESETS,
            preset=name,
            chart=charts.over_time(points, _("People helped by month"), _number),
        )
    )


@public_bp.get("/<any(months, units, topics):table>.<any(csv, xlsx):kind>")
def public_download(table: str, kind: str) -> ResponseReturnValue:
    """One table of the public figures as a file, with the same cells hidden."""
    period, _name = period_asked("year")
    shown = publishing.page(period.cut(units.today()), i18n.current().code, units.today())
    sheet = publishing.sheet(table, shown)
    name = exports.file_name(f"public-{table}", None, shown.period.start, shown.period.end, kind)
    if kind == "csv":
        return public(as_file(tables.csv_stream(sheet.columns, sheet.rows, sheet.preface), tables.CSV, name))
    return public(as_file(tables.in_pieces(tables.xlsx([sheet])), tables.XLSX, name))

"""DOORS: official figures, why people fail, completeness, targets, imports, files, and keys for other systems."""

import re
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from guidance import charts, i18n, tables
from guidance.accounts import access
from guidance.adoption import (
    actions,
    completeness,
    failures,
    files,
    forms,
    imports,
    indicators,
    keys,
    official_forms,
    periods,
    queries,
    review,
    values,
    workbook,
)
from guidance.adoption import exports as exports_
from guidance.adoption.labels import PLACES, REASONS, TASK_STATES
from guidance.adoption.models import SETS
from guidance.adoption.sums import UNSTEADY_BELOW
from guidance.adoption.views import (
    address_of,
    as_file,
    bp,
    filters,
    month_chart,
    note_export,
    period_asked,
    place_asked,
    place_choices,
    scope,
)
from guidance.desk import actions as desk
from guidance.errors import NotAllowed, NotFound, UserError
from guidance.security import UPLOAD_BODY
from guidance.units import queries as units
from guidance.units.queries import Place
from guidance.web import done, render

keys_bp = Blueprint("keys", __name__, url_prefix="/<lang:lang>/admin/keys")
access.only(keys_bp, "admin")


@bp.url_value_preprocessor
def _allow_uploads(endpoint: str | None, _values: dict[str, object] | None) -> None:
    if endpoint == "reports.check_import":
        request.max_content_length = UPLOAD_BODY


def scope_ids() -> set[int] | None:
    """Ids of the units the signed-in person may change figures of; None for all."""
    own = scope()
    return None if own is None else set(units.ids_below(own.id))


def _is_province(place: Place | None) -> TypeGuard[Place]:
    return place is not None and place.kind == "province"


def _ids_in(place: Place | None) -> list[int] | None:
    return queries.ids_in(place)


def unit_choices() -> list[tuple[str, str]]:
    """Units of the person's scope for a select: the whole site only for people of the whole site."""
    own = scope()
    if own is None:
        inside = [
            (str(place.id), place.name if place.kind == "province" else f"— {place.name}")
            for place in units.present_units()
        ]
        return [("", _("The whole site")), *inside]
    below = [(str(place.id), f"— {place.name}") for place in units.children(own.id)]
    return [(str(own.id), own.name), *below]


def _check_unit(unit_id: int | None) -> None:
    allowed = scope_ids()
    if allowed is not None and unit_id not in allowed:
        raise NotAllowed


# --- official figures --------------------------------------------------------------------------


@bp.get("/official")
def official() -> ResponseReturnValue:
    """Official figures of a place with their sources, those of former units apart."""
    place = _place_or_former()
    chosen = request.args.get("set", "")
    shown = values.official(place, chosen) if place else None
    trends = {group.key: trend_chart(group.trend) for group in shown.sets} if shown else {}
    return render(
        "adoption/official.html",
        shown=shown,
        trends=trends,
        place=place,
        chosen_set=chosen,
        sets={name: indicators.set_name(name) for name in SETS},
        inside=units.provinces()
        if place is None
        else units.children(place.id)
        if place.kind != "commune"
        else [],
        former_provinces=units.provinces(periods.day_before(date(2025, 7, 1))) if place is None else [],
        tasks=values.tasks(place) if chosen in {"", "tasks"} else [],
        checklist=values.checklist(place) if chosen in {"", "commune-model"} else [],
        task_states=TASK_STATES,
        name=exports_.place_name(place),
    )


def trend_chart(figures: tuple[values.Figure, ...]) -> object:
    """One share from report to report as a line, with its latest target; nothing where there is no history."""
    if not figures:
        return ""
    points = [
        charts.Point(
            f"{figure.period_end.month}/{figure.period_end:%y}",
            figure.share if figure.share is not None else figure.reported,
            f"{figure.days}: {figure.percentage}",
        )
        for figure in figures
    ]
    goal = figures[-1].target.share if figures[-1].target else None
    words = _("Target: %(target)s.", target=i18n.format_share(goal)) if goal is not None else ""
    name = figures[-1].indicator.name
    return charts.over_time(points, name, i18n.format_share, goal, words, share=True, line=True)


def _place_or_former() -> Place | None:
    """The unit in the address; former units are open to everybody whose own unit came from them."""
    code = request.args.get("unit", "").strip()
    if "@" in code:
        place = units.by_code(code)
        if place is None:
            raise NotFound
        own = scope()
        if own is not None:
            below = set(units.ids_below(own.id))
            heirs = {heir.place.id for heir in units.successors(place.id)}
            if not heirs & below and place.id not in below:
                raise NotAllowed
        return place
    return place_asked(periods.preset("month", units.today()))


@bp.get("/league")
def league() -> ResponseReturnValue:
    """Units and offices by one official figure in one period, with denominators."""
    place = place_asked(periods.preset("month", units.today()))
    if place is None:
        provinces = units.provinces()
        place = provinces[0] if len(provinces) == 1 else None
    key = request.args.get("indicator", "portal.on_time")
    indicator = indicators.all_indicators().get(key)
    if indicator is None:
        raise NotFound
    known = values.periods_of([key])
    start, end = _chosen_period(known)
    return render(
        "adoption/league.html",
        place=place,
        indicator=indicator,
        choices=forms.indicator_choices(),
        periods=known,
        period=(start, end),
        period_words=periods.period_words,
        provinces=[] if place else units.provinces(),
        rows=values.league(place, indicator, start, end) if place else [],
    )


def _chosen_period(known: list[tuple[date, date]]) -> tuple[date, date]:
    text = request.args.get("period", "")
    if text:
        return periods.days(text)
    return known[0] if known else (units.today(), units.today())


# --- why people fail ---------------------------------------------------------------------------


@bp.get("/failures")
def failing() -> ResponseReturnValue:
    """Why people fail: reasons, places, and a ranked list of what to mend."""
    chosen = filters()
    found = failures.failures(chosen.period, _ids_in(chosen.place), i18n.current().code)
    return render(
        "adoption/failures.html",
        found=found,
        chosen=chosen,
        places_near=place_choices(chosen.place),
        partial=chosen.period.partial(units.today()),
        may_edit=access.current_staff().has("editor"),
        presets=periods.PRESETS,
        reasons=REASONS,
        places=PLACES,
        name=exports_.place_name(chosen.place),
        unsteady=UNSTEADY_BELOW,
    )


# --- completeness ------------------------------------------------------------------------------


def _month_asked() -> date:
    period, _name = period_asked()
    return period.last_month


@bp.get("/completeness")
def complete() -> ResponseReturnValue:
    """Who logged nothing, who is late, and which months are closed."""
    month = _month_asked()
    place = place_asked(periods.months_from(month, 1))
    return render(
        "adoption/completeness.html",
        found=completeness.completeness(place, month, units.today()),
        place=place,
        name=exports_.place_name(place),
        earlier=periods.shift(month, -1),
        later=periods.shift(month, 1) if periods.shift(month, 1) <= units.today() else None,
        may_close=place is not None or scope() is None,
    )


@bp.post("/completeness/<any(close, reopen):what>")
def close_or_reopen(what: str) -> ResponseReturnValue:
    """Close a month for a unit and all below it, or reopen it."""
    month = periods.between(request.form.get("month", ""), "", units.today()).start
    code = request.form.get("unit", "").strip()
    place = units.by_code(code) if code else None
    if code and place is None:
        raise NotFound
    _check_unit(place.id if place else None)
    staff = access.current_staff()
    act = desk.close_month if what == "close" else desk.reopen_month
    act(place.id if place else None, month, staff.id, staff.name)
    said = _("The month is closed.") if what == "close" else _("The month is open again.")
    at: dict[str, Any] = {"from": f"{month:%Y-%m}", "to": f"{month:%Y-%m}", "unit": code or None}
    return done(url_for("reports.complete", **at), said)


# --- targets and denominators ------------------------------------------------------------------


def _targets_page(
    target: forms.TargetForm, denominator: forms.DenominatorForm, status: int = 200
) -> ResponseReturnValue:
    ids = scope_ids()
    return render(
        "adoption/targets.html",
        status=status,
        target=target,
        denominator=denominator,
        targets=values.all_targets(sorted(ids) if ids is not None else None),
        denominators=values.all_denominators(sorted(ids) if ids is not None else None),
        period_words=periods.period_words,
    )


@bp.get("/targets")
def targets() -> ResponseReturnValue:
    """Targets and denominators of the person's units, and forms for new ones."""
    choices = unit_choices()
    return _targets_page(
        forms.TargetForm(units=choices), forms.DenominatorForm(units=choices, prefix="whole-")
    )


@bp.post("/targets")
def save_target() -> ResponseReturnValue:
    """Set a target."""
    choices = unit_choices()
    form = forms.TargetForm(request.form, units=choices)
    if not form.validate():
        return _targets_page(form, forms.DenominatorForm(units=choices, prefix="whole-"), 422)
    _check_unit(form.unit_id())
    count, part = form.numbers()
    actions.save_target(
        form.indicator.data,
        form.unit_id(),
        form.days(),
        count,
        part,
        form.source.data or "",
        access.current_staff().name,
    )
    return done(url_for("reports.targets"), _("The target is set."))


@bp.post("/targets/<int:target_id>/remove")
def remove_target(target_id: int) -> ResponseReturnValue:
    """Take a target back."""
    ids = scope_ids()
    if ids is not None and target_id not in {row.id for row in values.all_targets(sorted(ids), 10_000)}:
        raise NotAllowed
    actions.remove_target(target_id, access.current_staff().name)
    return done(url_for("reports.targets"), _("The target is removed."))


@bp.post("/denominators")
def save_denominator() -> ResponseReturnValue:
    """State a denominator with its source."""
    choices = unit_choices()
    form = forms.DenominatorForm(request.form, units=choices, prefix="whole-")
    if not form.validate():
        return _targets_page(forms.TargetForm(units=choices), form, 422)
    _check_unit(form.unit_id())
    actions.save_denominator(
        form.indicator.data,
        form.unit_id(),
        form.days(),
        form.value() or 0,
        form.source.data or "",
        access.current_staff().name,
    )
    return done(url_for("reports.targets"), _("The number is stored with its source."))


# --- imports -----------------------------------------------------------------------------------


def _kept(digest: str) -> Path:
    """Where an uploaded file waits for its confirmation."""
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise NotFound
    return files.waiting_room(current_app.config["SETTINGS"].data) / digest


def _imports_page(form: forms.ImportForm, status: int = 200) -> ResponseReturnValue:
    ids = scope_ids()
    return render(
        "adoption/imports.html",
        status=status,
        form=form,
        rows=values.all_imports(sorted(ids) if ids is not None else None),
    )


@bp.get("/imports")
def official_imports() -> ResponseReturnValue:
    """Files of official counts that were taken in, and the form for a new one."""
    return _imports_page(forms.ImportForm())


@bp.post("/imports")
def check_import() -> ResponseReturnValue:
    """Read an uploaded file and show what would be stored, with what is wrong; nothing is stored yet."""
    form = forms.ImportForm(request.form)
    sent = request.files.get("file")
    if not form.validate() or sent is None or not sent.filename:
        form.form_errors = [_("Choose a file first.")] if sent is None or not sent.filename else []
        return _imports_page(form, 422)
    content = sent.stream.read()
    name = Path(sent.filename.replace("\\", "/")).name[:120]
    try:
        found = imports.check(
            name,
            content,
            form.indicator_set.data,
            source=form.source.data or name,
            scope=scope_ids(),
            unit=form.unit.data or "",
            period=form.period.data or "",
        )
    except UserError as wrong:
        form.form_errors = [wrong.message]
        return _imports_page(form, wrong.status)
    files.keep(current_app.config["SETTINGS"].data, found.digest, content)
    return _preview(found, form.source.data or name)


def _preview(found: imports.Checked, source: str, status: int = 200) -> ResponseReturnValue:
    names = indicators.all_indicators()
    places = units.by_ids({value.unit_id for value in found.values[:20] if value.unit_id})
    return render(
        "adoption/import_check.html",
        status=422 if found.problems else status,
        found=found,
        source=source,
        unit=request.form.get("unit", "")[:300],
        period=request.form.get("period", "")[:300],
        set_name=indicators.set_name(found.indicator_set),
        fields=imports.fields_of(found.indicator_set),
        sample=[
            (
                value.line,
                names[value.indicator].name,
                places[value.unit_id].name
                if value.unit_id in places
                else value.office.name
                if value.office
                else "",
                periods.period_words(value.period_start, value.period_end),
                values.signed(value.numerator, value.qualifier) if value.numerator is not None else "–",
                i18n.format_number(value.denominator) if value.denominator is not None else "–",
            )
            for value in found.values[:20]
        ],
    )


@bp.post("/imports/save")
def save_import() -> ResponseReturnValue:
    """Store the file that was checked, with the columns as chosen; or show it again with what is wrong."""
    path = _kept(request.form.get("digest", ""))
    if not path.exists():
        raise NotFound(_("The file is no longer here. Choose it again."))
    indicator_set, name = request.form.get("indicator_set", ""), request.form.get("file_name", "")[:120]
    mapping = _mapping(request.form)
    source = request.form.get("source", "")[:300]
    unit, period = (request.form.get(field, "").strip()[:300] for field in ("unit", "period"))
    found = imports.check(name, path.read_bytes(), indicator_set, mapping, source, scope_ids(), unit, period)
    if found.problems or request.form.get("again"):
        return _preview(found, source)
    staff = access.current_staff()
    report = actions.save_import(found, staff.name, staff.unit_id)
    path.unlink(missing_ok=True)
    said = _(
        "%(lines)s lines read: %(stored)s figures stored, %(unchanged)s unchanged.",
        lines=i18n.format_number(report.lines),
        stored=i18n.format_number(report.stored),
        unchanged=i18n.format_number(report.unchanged),
    )
    return done(url_for("reports.official_imports"), said)


def _mapping(form: object) -> dict[str, str]:
    sent: dict[str, str] = {}
    for key, field in form.items():  # type: ignore[attr-defined]  # the form as Flask hands it in
        if key.startswith("column:") and field:
            sent[key.removeprefix("column:")] = field
    return sent


@bp.post("/imports/<int:import_id>/undo")
def undo_import(import_id: int) -> ResponseReturnValue:
    """Take an import back."""
    ids = scope_ids()
    if ids is not None and import_id not in {row.id for row in values.all_imports(sorted(ids), 10_000)}:
        raise NotAllowed
    gone = actions.undo_import(import_id, access.current_staff().name)
    return done(
        url_for("reports.official_imports"),
        _("%(number)s figures were taken out again.", number=i18n.format_number(gone)),
    )


# --- files -------------------------------------------------------------------------------------


@bp.get("/files")
def all_files() -> ResponseReturnValue:
    """Every file of a place and period: workbook, cases, forms, review, brief."""
    chosen = filters()
    return render(
        "adoption/files.html",
        chosen=chosen,
        name=exports_.place_name(chosen.place),
        places=place_choices(chosen.place),
        partial=chosen.period.partial(units.today()),
        presets=periods.PRESETS,
        address=address_of(chosen),
        province=_is_province(chosen.place),
        form_periods=values.periods_of(["onestop.received"]),
        period_words=periods.period_words,
    )


@bp.get("/workbook.xlsx")
def download_workbook() -> ResponseReturnValue:
    """Everything of a place and period as one workbook with charts."""
    chosen = filters()
    staff = access.current_staff()
    note_export("workbook.xlsx", chosen.place, chosen.period, staff.name)
    made = exports_.made_here(staff.display_name)
    file = workbook.workbook(chosen.place, chosen.period, i18n.current().code, units.today(), made)
    name = exports_.file_name("report", chosen.place, chosen.period.start, chosen.period.end, "xlsx")
    return as_file(tables.in_pieces(file), tables.XLSX, name)


@bp.get("/cases.<any(csv, xlsx):kind>")
def download_cases(kind: str) -> ResponseReturnValue:
    """The anonymous list of cases of a place and period."""
    chosen = filters()
    staff = access.current_staff()
    note_export(f"cases.{kind}", chosen.place, chosen.period, staff.name)
    sheet = exports_.cases_sheet(
        chosen.place, chosen.period, exports_.made_here(staff.display_name), kind == "csv"
    )
    name = exports_.file_name("cases", chosen.place, chosen.period.start, chosen.period.end, kind)
    if kind == "csv":
        return as_file(tables.csv_stream(sheet.columns, sheet.rows, sheet.preface), tables.CSV, name)
    return as_file(tables.in_pieces(tables.xlsx([sheet])), tables.XLSX, name)


@bp.get("/<any('form-06', 'form-II-06a'):form>.xlsx")
def download_form(form: str) -> ResponseReturnValue:
    """Form 06/VPCP/KSTT or the older II.06a, column for column, from imported figures."""
    place = place_asked(periods.preset("month", units.today()))
    if place is None:
        raise NotFound(_("Choose a unit first."))
    start, end = _chosen_period(values.periods_of(["onestop.received"]))
    staff = access.current_staff()
    note_export(f"{form}.xlsx", place, periods.Period(start, end), staff.name)
    file = official_forms.form(form, place, start, end, exports_.made_here(staff.display_name))
    return as_file(tables.in_pieces(file), tables.XLSX, f"{form}-{place.code}-{start}-{end}.xlsx")


@bp.get("/review.docx")
def download_review() -> ResponseReturnValue:
    """The draft of a review as a document for Word, in Vietnamese."""
    chosen = filters()
    staff = access.current_staff()
    note_export("review.docx", chosen.place, chosen.period, staff.name)
    file = review.document(chosen.place, chosen.period, units.today(), exports_.made_here(staff.display_name))
    name = exports_.file_name("review", chosen.place, chosen.period.start, chosen.period.end, "docx")
    return as_file(tables.in_pieces(file), review.DOCX, name)


class Brief(NamedTuple):
    """What one printed page says about one place."""

    name: str
    report: queries.Report
    month_chart: object
    found: failures.Failures
    official: list[values.Figure]


def _brief(place: Place | None, period: periods.Period) -> Brief:
    lang = i18n.current().code
    report = queries.report(place, period, "", lang, units.today(), 6)
    return Brief(
        exports_.place_name(place),
        report,
        month_chart(report.months, None),
        failures.failures(period, _ids_in(place), lang, 5),
        _headlines(place, period),
    )


@bp.get("/brief")
def brief() -> ResponseReturnValue:
    """One page to print about any place; with `each=commune`, one for every commune of a province."""
    chosen = filters()
    place, communes = chosen.place, []
    if _is_province(place) and request.args.get("each") == "commune":
        communes = units.communes_below(place.id, min(chosen.period.end, units.today()))
    return render(
        "adoption/brief.html",
        briefs=[_brief(one, chosen.period) for one in communes] or [_brief(place, chosen.period)],
        name=exports_.place_name(place),
        province=_is_province(place),
        address=address_of(chosen),
        reasons=REASONS,
        made=exports_.made_here(access.current_staff().display_name),
        version=indicators.version(),
        today=units.today(),
    )


def _headlines(place: Place | None, period: periods.Period, most: int = 6) -> list[values.Figure]:
    """The newest official figures of a place for one page: whole ones, those with a share first."""
    if place is None:
        return []
    page = values.official(place, period=period)
    whole = [figure for group in page.sets for figure in group.latest if not figure.part]
    return sorted(whole, key=lambda one: one.percentage == "–")[:most]


# --- keys --------------------------------------------------------------------------------------


def _keys_page(
    form: forms.KeyForm, status: int = 200, new: actions.NewKey | None = None
) -> ResponseReturnValue:
    return render("adoption/keys.html", status=status, form=form, rows=keys.all_keys(scope_ids()), new=new)


@keys_bp.get("/")
def all_keys() -> ResponseReturnValue:
    """Keys of other systems: scope, last use, revoke."""
    return _keys_page(forms.KeyForm(units=unit_choices()))


@keys_bp.post("/")
def create_key() -> ResponseReturnValue:
    """Make a key and show it, once."""
    form = forms.KeyForm(request.form, units=unit_choices())
    if not form.validate():
        return _keys_page(form, 422)
    _check_unit(form.unit_id())
    new = actions.create_key(form.name.data or "", form.unit_id(), access.current_staff().name)
    return _keys_page(forms.KeyForm(units=unit_choices()), new=new)


@keys_bp.post("/<int:key_id>/revoke")
def revoke_key(key_id: int) -> ResponseReturnValue:
    """Make a key useless."""
    if key_id not in {row.id for row in keys.all_keys(scope_ids())}:
        raise NotAllowed
    actions.revoke_key(key_id, access.current_staff().name)
    return done(url_for("keys.all_keys"), _("The key no longer works."))

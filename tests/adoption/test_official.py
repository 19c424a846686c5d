"""Official counts come in whole or not at all, say where they come from, and can be taken back."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from guidance.adoption import actions, imports, indicators, values
from guidance.adoption.models import IndicatorValue
from guidance.adoption.periods import Period
from guidance.config import PROJECT
from guidance.db import db
from guidance.units import imports as unit_imports
from guidance.units import queries as units
from tests.adoption.conftest import Office
from tests.conftest import shared, visitor_of

ONE_STOP = """unit,period,sector,received,online,direct,carried,resolved,early,on_time,overdue,in_progress,in_progress_due,in_progress_overdue,source
08761,2026-06-15..2026-09-14,Hộ tịch,100,60,30,10,90,50,38,2,10,9,1,Báo cáo quý III
08761,2026-06-15..2026-09-14,Chứng thực,200,20,180,0,200,200,0,0,0,0,0,Báo cáo quý III
"""


def in_force() -> int:
    """Figures that count at present."""
    db.session.rollback()
    return (
        db.session.scalar(
            select(func.count()).select_from(IndicatorValue).where(IndicatorValue.ended_by.is_(None))
        )
        or 0
    )


def run(site: Flask, *args: str) -> tuple[int, str]:
    """A command, as somebody types it."""
    db.session.rollback()
    result = site.test_cli_runner().invoke(args=["figures", *args])
    db.session.rollback()
    return result.exit_code, result.output


def test_the_real_month_of_a_province_imports_as_it_is(either_app: Flask) -> None:
    """163 offices, 148 of them communes by name; the sums equal the province row; twice is once; nothing is 'overdue'."""
    file = shared("data/phutho_dossiers_2026-08.csv")
    folder = PROJECT / "guidance" / "content" / "units"
    unit_imports.save(unit_imports.check(sorted(folder.glob("*.csv"))))
    code, said = run(either_app, "import", str(file), "--indicator-set", "portal-month")
    assert code == 0 and "163 offices: 148 match communes by name, 15 are departments." in said
    assert "stored 652" in said
    code, said = run(either_app, "import", str(file), "--indicator-set", "portal-month")
    assert code == 0 and "stored 0" in said and "unchanged 652" in said
    province = units.by_code("25")
    assert province is not None
    page = values.official(province, "portal-month")
    found = {figure.indicator.key: figure for figure in page.sets[0].figures}
    assert found["portal.received"].numerator == 184_513
    assert (found["portal.on_time"].numerator, found["portal.on_time"].denominator) == (144_625, 184_513)
    assert found["portal.on_time"].parts == 163 and "portal.days" not in found
    assert not any("overdue" in key for key in found)
    commune = units.by_code("08761")
    assert commune is not None
    own = {
        figure.indicator.key: figure.numerator
        for figure in values.official(commune, "portal-month").sets[0].figures
    }
    assert own["portal.received"] == 2687


def test_a_wrong_line_is_named_and_changes_nothing(office: Office, tmp_path: Path) -> None:
    """Line, field, reason; exit 1; not even the right lines are stored."""
    file = tmp_path / "wrong.csv"
    file.write_text(
        ONE_STOP.replace("200,20,180,0", "201,20,180,0").replace(
            "08761,2026-06-15..2026-09-14,Hộ", "99999,2026-06-15..2026-09-14,Hộ"
        )
    )
    code, said = run(office.site, "import", str(file), "--indicator-set", "one-stop")
    assert code == 1
    assert "line 2: unit" in said and "line 3: received: does not add up: (3) = (4) + (5) + (6)" in said
    assert "Nothing was stored" in said and in_force() == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changed=st.integers(0, 10), by=st.integers(1, 50))
def test_every_identity_of_form_06_is_enforced(office: Office, changed: int, by: int) -> None:
    """Any single number that is off breaks at least one identity."""
    numbers = [100, 60, 30, 10, 90, 50, 38, 2, 10, 9, 1]
    numbers[changed] += by
    lines = ONE_STOP.splitlines()
    text = "\n".join([lines[0], "08761,2026-06-15..2026-09-14,Hộ tịch," + ",".join(map(str, numbers)) + ",x"])
    assert imports.check("x.csv", text.encode(), "one-stop").problems


def test_an_import_is_undone_and_brings_back_what_it_replaced(either_office: Office, tmp_path: Path) -> None:
    """A correction replaces; undoing it restores; the older one cannot go first."""
    first = actions.save_import(imports.check("a.csv", ONE_STOP.encode(), "one-stop"), "anna")
    corrected = ONE_STOP.replace("100,60,30,10,90,50,38,2", "100,60,30,10,90,50,40,0")
    second = actions.save_import(imports.check("b.csv", corrected.encode(), "one-stop"), "anna")
    assert (first.stored, second.stored, second.replaced, second.unchanged) == (22, 2, 2, 20)
    assert first.import_id and second.import_id
    with pytest.raises(actions.ReplacedSince):
        actions.undo_import(first.import_id, "anna")
    actions.undo_import(second.import_id, "anna")
    place = units.by_code("08761")
    assert place is not None and in_force() == 22
    figures = {
        (one.part, one.indicator.key): one.numerator
        for one in values.official(place, "one-stop").sets[0].figures
    }
    assert figures["Hộ tịch", "onestop.on_time"] == 38
    actions.undo_import(first.import_id, "anna")
    assert in_force() == 0
    with pytest.raises(actions.AlreadyUndone):
        actions.undo_import(first.import_id, "anna")


def test_a_manager_uploads_checks_maps_columns_stores_and_undoes(office: Office) -> None:
    """Strange headings are mapped once and remembered."""
    text = ONE_STOP.replace("sector", "Ngành").replace("received", "Cột A")
    sent = {"indicator_set": "one-stop", "source": "", "file": (io.BytesIO(text.encode()), "quý.csv")}
    page = office.manager.post("/en/reports/imports", sent, content_type="multipart/form-data").get_data(
        as_text=True
    )
    assert "Nothing is stored yet" in page and in_force() == 0
    digest = page.split('name="digest" value="')[1][:64]
    mapping = {f"column:{cell}": cell for cell in text.splitlines()[0].split(",")}
    mapping |= {"column:Ngành": "part", "column:Cột A": "received", "column:source": "source_document"}
    form = {"digest": digest, "indicator_set": "one-stop", "file_name": "quý.csv", "source": "", **mapping}
    answer = office.manager.post("/en/reports/imports/save", form)
    assert answer.status_code == 303 and in_force() == 22
    sent["file"] = (io.BytesIO(text.replace("Báo cáo", "Bản sao").encode()), "quý-2.csv")
    again = office.manager.post("/en/reports/imports", sent, content_type="multipart/form-data").get_data(
        as_text=True
    )
    assert '<option value="received" selected>' in again
    row = office.manager.get("/en/reports/imports").get_data(as_text=True)
    number = row.split("/imports/")[1].split("/undo")[0]
    assert office.manager.post(f"/en/reports/imports/{number}/undo").status_code == 303 and in_force() == 0


def test_nobody_imports_for_a_unit_that_is_not_theirs(office: Office) -> None:
    """A commune's manager cannot store a neighbour's figures."""
    own = office.staff("commune", "manager", unit="08842")
    sent = {"indicator_set": "one-stop", "source": "", "file": (io.BytesIO(ONE_STOP.encode()), "x.csv")}
    answer = own.post("/en/reports/imports", sent, content_type="multipart/form-data")
    assert answer.status_code == 422 and "outside your own" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("identity.level_2,08761,2026,abc,,=,,x", "numerator"),
        ("identity.level_2,08761,2026,10,5,=,,x", "larger than the whole"),
        ("identity.level_2,08761,2026,10,20,=,60%,x", "does not follow"),
        ("identity.level_2,08761,someday,10,20,=,,x", "not a period"),
        ("identity.level_2,08761,2026,10,20,?,,x", "= > ≥ ≈"),
        ("identity.level_2,08761,2026,,,=,,x", "needed"),
        ("onestop.received,08761,2026,10,,=,,x", "no indicator of this set"),
        ("identity.level_2,08761,2024,10,20,=,,x", "there was no unit"),
    ],
)
def test_every_odd_figure_gets_its_reason(office: Office, line: str, reason: str) -> None:
    """In words that say what to mend."""
    text = "indicator,unit,period,numerator,denominator,qualifier,reported_share,source\n" + line
    with office.site.app_context(), force_locale("en"):
        problems = imports.check("x.csv", text.encode(), "identity").problems
    assert len(problems) == 1 and reason in str(problems[0])


def test_the_reports_of_2023_are_shown_as_reported_and_stay_with_the_former_unit(
    either_office: Office,
) -> None:
    """More than 99 %, never summed or ranked; the six communes see it apart, undivided."""
    assert actions.load_history().stored == 13
    assert actions.load_history().stored == 0
    db.session.rollback()
    page = either_office.manager.get("/en/reports/official?unit=08761").get_data(as_text=True)
    assert "Huyện Lập Thạch" in page and "&gt; 99% (as reported)" in page and "99.4% (as reported)" in page
    assert "&gt; 80,000" in page and "This unit was divided" in page
    place = units.by_code("25")
    assert place is not None and values.official(place).sets == ()
    old = either_office.manager.get("/en/reports/official?unit=246@2025-06-30").get_data(as_text=True)
    assert "This unit no longer exists" in old and "Xã Hợp Lý" in old


def test_a_stated_denominator_turns_a_count_into_a_share(office: Office) -> None:
    """With its source beside it."""
    text = "indicator,unit,period,numerator,source\nidentity.level_2,08761,2026-10,600,Công an xã"
    actions.save_import(imports.check("x.csv", text.encode(), "identity"), "anna")
    sent = {
        "whole-indicator": "identity.level_2",
        "whole-unit": str(office.ids["08761"]),
        "whole-period": "2026",
        "whole-number": "1.200",
        "whole-source": "Niên giám 2026",
    }
    assert office.manager.post("/en/reports/denominators", sent).status_code == 303
    page = office.manager.get("/en/reports/official?unit=08761").get_data(as_text=True)
    assert "50%" in page and "Niên giám 2026" in page


def test_form_06_comes_back_column_for_column(office: Office) -> None:
    """What was imported stands in the columns (3) to (13); the total adds up the sectors."""
    from python_calamine import CalamineWorkbook

    actions.save_import(imports.check("a.csv", ONE_STOP.encode(), "one-stop"), "anna")
    content = office.manager.get("/vi/reports/form-06.xlsx?unit=08761&period=2026-06-15..2026-09-14").data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    lines = {row[1]: row[2:13] for row in rows if row[1] in {"Hộ tịch", "Tổng cộng"}}
    assert lines["Hộ tịch"] == [100, 60, 30, 10, 90, 50, 38, 2, 10, 9, 1]
    page = office.manager.get("/en/reports/official?unit=08761").get_data(as_text=True)
    assert "99.3%" in page  # (250 + 38) of 290 resolved: derived, with its numbers
    assert lines["Tổng cộng"] == [300, 80, 210, 10, 290, 250, 38, 2, 10, 9, 1]
    assert any("mọi đẳng thức của biểu đều khớp" in str(row[0]) for row in rows)
    old = office.manager.get("/vi/reports/form-II-06a.xlsx?unit=08761&period=2026-06-15..2026-09-14").data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(old)).get_sheet_by_index(0).to_python()
    assert [row[2:12] for row in rows if row[1] == "Hộ tịch"] == [[100, 60, 10, 30, 90, 88, 2, 10, 9, 1]]


def test_a_printed_form_comes_back_in_as_it_went_out(office: Office, tmp_path: Path) -> None:
    """Form 06 and the older II.06a: the line that numbers the columns is the head; unit and period are said."""
    actions.save_import(imports.check("a.csv", ONE_STOP.encode(), "one-stop"), "anna")
    for form, early in (("form-06", 50), ("form-II-06a", None)):
        path = f"/vi/reports/{form}.xlsx?unit=08761&period=2026-06-15..2026-09-14"
        file = tmp_path / f"{form}.xlsx"
        file.write_bytes(office.manager.get(path).data)
        options = ("--indicator-set", "one-stop", "--unit", "08842", "--period", "2026-06-15..2026-09-14")
        code, said = run(office.site, "import", str(file), *options)
        assert code == 0, said
        place = units.by_code("08842")
        assert place is not None
        group = values.official(place, "one-stop").sets[0]
        found = {(one.part, one.indicator.key): one.numerator for one in group.figures}
        assert found["Hộ tịch", "onestop.received"] == 100 and found["", "onestop.received"] == 300
        assert found["", "onestop.punctual"] == 288
        assert found.get(("Hộ tịch", "onestop.early")) == early
        actions.undo_import(db.session.scalar(select(func.max(IndicatorValue.import_id))) or 0, "anna")
    code, said = run(office.site, "import", str(file), "--indicator-set", "one-stop")
    assert code == 1 and "period" in said


def test_percentages_of_nine_months_stay_as_reported(office: Office) -> None:
    """The file names no unit, so it is said; where the numbers are known too, the share is derived from them."""
    file = shared("data/phutho_monthly_2026.csv")
    code, said = run(office.site, "import", str(file), "--indicator-set", "portal-month")
    assert code == 1 and "names no unit" in said and in_force() == 0
    code, said = run(office.site, "import", str(file), "--indicator-set", "portal-month", "--unit", "25")
    assert code == 0 and "stored 27" in said
    page = office.manager.get("/en/reports/official?unit=25").get_data(as_text=True)
    assert "78.4% (as reported)" in page and "0.1% (as reported)" in page and "Earlier periods" in page
    text = "period,province,department_code,department_name,level,total_received,total_on_time\n"
    text += "2026-08,Tỉnh Phú Thọ,H1,UBND Xã Lập Thạch,COMMUNE,200,150\n"
    actions.save_import(imports.check("x.csv", text.encode(), "portal-month"), "anna")
    place = units.by_code("25")
    assert place is not None
    august = [
        one
        for one in values.official(place, "portal-month").sets[0].figures
        if one.indicator.key == "portal.on_time" and one.period_end.month == 8
    ]
    assert [one.share for one in august] == [0.75]


def test_quality_is_checked_against_its_definitions(office: Office) -> None:
    """The list of 22 stores nothing; scores are stored with the maximum; another maximum is refused."""
    file = shared("data/qd766_metrics.csv")
    code, said = run(office.site, "import", str(file), "--indicator-set", "quality")
    assert code == 0 and "22 indicators" in said and "stored 0" in said
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    scored = "\n".join([lines[0] + ",score", lines[1] + ",5.5", lines[2] + ",4"])
    found = imports.check("x.csv", scored.encode(), "quality", unit="25", period="2026-08")
    assert actions.save_import(found, "anna").stored == 2
    page = office.manager.get("/en/reports/official?unit=25").get_data(as_text=True)
    assert "91.7%" in page and "Quyết định 766" in page
    wrong = imports.check("x.csv", "\n".join([lines[0], lines[1][:-1] + "9"]).encode(), "quality")
    assert [problem.field for problem in wrong.problems] == ["maximum"]


def test_nobody_takes_the_five_groups_for_verified(office: Office) -> None:
    """Their names were never checked against the decision, and the page says so; our own four need no mark."""
    text = "unit,group,task,owner,due,state,as_of,source_document\n"
    text += "25,citizens,Cấp tài khoản,Công an tỉnh,2026-11-30,late,2026-11-15,KH 12\n"
    actions.save_import(imports.check("x.csv", text.encode(), "tasks"), "anna")
    page = office.manager.get("/en/reports/official?unit=25&set=tasks").get_data(as_text=True)
    row = page[page.index("Cấp tài khoản") :].partition("</tr>")[0]
    assert "Digital citizens" in row and "Not yet verified" in row
    text = text.replace("citizens,Cấp tài khoản", "guiding,Buổi hướng dẫn")
    actions.save_import(imports.check("y.csv", text.encode(), "tasks"), "anna")
    page = office.manager.get("/en/reports/official?unit=25&set=tasks").get_data(as_text=True)
    assert "Not yet verified" not in page[page.index("Buổi hướng dẫn") :].partition("</tr>")[0]


def test_a_league_ranks_only_what_can_be_ranked(office: Office) -> None:
    """Equal shares share a rank; a small whole, a qualifier or a share as reported has none."""
    text = "indicator,unit,period,numerator,denominator,qualifier,reported_share,source\n"
    text += "identity.level_2,08761,2026-10,80,100,=,,x\n"
    text += "identity.level_2,08842,2026-10,9,10,=,,x\n"
    text += "identity.level_2,08770,2026-10,,,=,99%,x\n"
    actions.save_import(imports.check("x.csv", text.encode(), "identity"), "anna")
    place, indicator = units.by_code("25"), indicators.all_indicators()["identity.level_2"]
    assert place is not None
    rows = values.league(place, indicator, date(2026, 10, 1), date(2026, 10, 31))
    assert [(row.name, row.rank) for row in rows] == [
        ("Xã Lập Thạch", 1),
        ("Xã Tiên Lữ", None),
        ("Xã Hợp Lý", None),
    ]


def test_an_official_figure_meets_its_target(office: Office) -> None:
    """In points where both are shares."""
    text = "indicator,unit,period,numerator,denominator,source\nidentity.level_2,08761,2026-10,600,1000,x"
    actions.save_import(imports.check("x.csv", text.encode(), "identity"), "anna")
    actions.save_target(
        "identity.level_2",
        office.ids["08761"],
        (date(2026, 1, 1), date(2026, 12, 31)),
        None,
        0.8,
        "KH",
        "anna",
    )
    page = office.manager.get("/en/reports/official?unit=08761").get_data(as_text=True)
    assert "80%" in page and "20 points" in page


def test_desk_counts_are_never_added_to_official_ones(office: Office) -> None:
    """A case at the desk changes no official figure."""
    actions.save_import(imports.check("a.csv", ONE_STOP.encode(), "one-stop"), "anna")
    place = units.by_code("08761")
    assert place is not None
    period = Period(date(2026, 6, 1), date(2026, 12, 31))
    before = [figure.numerator for figure in values.official(place, period=period).sets[0].figures]
    office.log("08761", 40)
    assert [figure.numerator for figure in values.official(place, period=period).sets[0].figures] == before


def test_targets_come_from_a_file_all_or_none(office: Office, tmp_path: Path) -> None:
    """Twice is once; a wrong line is named."""
    file = tmp_path / "targets.csv"
    file.write_text(
        "indicator,unit,period,target,source\nassisted.people,08761,2026,900,KH\nonestop.online_share,25,2026,80%,KH\n"
    )
    assert run(office.site, "targets", str(file)) == (0, "Done: read 2 targets, stored 2, unchanged 0.\n")
    assert "stored 0, unchanged 2" in run(office.site, "targets", str(file))[1]
    file.write_text(
        "indicator,unit,period,target,source\nassisted.people,08761,2026,950,KH\nx,25,2026,80%,KH\n"
    )
    code, said = run(office.site, "targets", str(file))
    assert code == 1 and "line 3: indicator" in said
    assert "900" in office.manager.get("/en/reports/targets").get_data(as_text=True)


def test_a_key_opens_full_figures_of_its_unit_only(either_office: Office) -> None:
    """Shown once, stored as a fingerprint, scoped, counted, revocable."""
    either_office.log("08761", 3)
    either_office.log("08842", 12)
    public = visitor_of(either_office.site).client
    rows = public.get("/api/v1/figures?indicator=assisted.people&by=unit").get_json()["rows"]
    assert {
        row["key"]: (row["numerator"], row["suppressed"]) for row in rows if row["key"] in {"08761", "08842"}
    } == {
        "08761": (None, True),
        "08842": (None, True),
    }
    page = either_office.manager.post(
        "/en/admin/keys/", {"name": "IOC", "unit": str(either_office.ids["08761"])}
    ).get_data(as_text=True)
    secret = page.split("<code>")[1].split("</code>")[0]
    head = {"Authorization": f"Bearer {secret}"}
    full = public.get("/api/v1/figures?indicator=assisted.people&by=unit", headers=head).get_json()
    assert full["rows"] == [
        {"key": "08761", "numerator": 3, "denominator": None, "qualifier": "=", "suppressed": False}
    ]
    assert public.get("/api/v1/figures?unit=08842", headers=head).status_code == 403
    feed = public.get("/api/v1/figures/feed", headers=head).get_json()
    assert len(feed["figures"]) == 20 and public.get("/api/v1/figures/feed").status_code == 401
    assert "never" not in either_office.manager.get("/en/admin/keys/").get_data(as_text=True)
    db.session.rollback()
    assert secret not in json.dumps([str(row) for row in db.session.execute(select(IndicatorValue)).all()])
    either_office.manager.post("/en/admin/keys/1/revoke")
    answer = public.get("/api/v1/figures", headers=head)
    assert answer.status_code == 401 and answer.content_type == "application/problem+json"


def test_a_key_that_calls_too_often_waits(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in the database, for every worker together."""
    monkeypatch.setattr(actions, "CALLS_A_MINUTE", 2)
    secret = actions.create_key("IOC", None, "anna").secret
    client = visitor_of(office.site).client
    codes = [
        client.get("/api/v1/figures", headers={"Authorization": f"Bearer {secret}"}).status_code
        for _ in range(4)
    ]
    assert codes[:2] == [200, 200] and 429 in codes


@pytest.mark.parametrize("by", ["month", "unit", "topic"])
@pytest.mark.parametrize(
    "indicator",
    ["assisted.people", "assisted.self_service", "assisted.stopped", "assisted.vssid", "assisted.minutes"],
)
def test_the_open_door_never_tells_a_small_count(office: Office, indicator: str, by: str) -> None:
    """Whatever is asked, no number under five, and no rest under five."""
    for unit, people in (("08761", 3), ("08842", 12), ("08770", 1)):
        office.log(unit, people, outcome="activated" if people == 3 else "submitted")
    client = visitor_of(office.site).client
    for unit in ("", "25", "08761"):
        answer = client.get(f"/api/v1/figures?indicator={indicator}&by={by}&unit={unit}")
        assert answer.status_code == 200
        for row in answer.get_json()["rows"]:
            assert row["numerator"] is None or row["numerator"] >= 5
            assert row["denominator"] is None or row["denominator"] >= 5


def test_files_of_the_command_line_agree_with_the_page(office: Office, tmp_path: Path) -> None:
    """csv, xlsx, json and docx; the months add up."""
    office.log("08761", 12)
    for kind in ("csv", "xlsx", "json", "docx"):
        out = tmp_path / f"x.{kind}"
        month = units.today().strftime("%Y-%m")
        code, said = run(
            office.site,
            "export",
            "--from",
            month,
            "--to",
            month,
            "--unit",
            "25",
            "--format",
            kind,
            "--out",
            str(out),
        )
        assert code == 0 and out.stat().st_size > 300, said
    feed = json.loads((tmp_path / "x.json").read_text())
    assert feed["figures"][0]["rows"][0]["numerator"] == 12
    code, _said = run(office.site, "export", "--table", "cases", "--out", str(tmp_path / "cases.csv"))
    assert code == 0 and "08761" in (tmp_path / "cases.csv").read_text(encoding="utf-8-sig")

"""Somebody says where they live, in old or new words, and learns where to go."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from guidance import audit
from guidance.config import PROJECT
from guidance.db import db
from guidance.i18n import VIETNAM
from guidance.units import imports, queries, starter
from guidance.units.models import ServiceCentre, Unit, UnitSuccession
from tests.conftest import shared, staff_of, visitor_of

CONTENT = PROJECT / "guidance" / "content"
LAP_THACH = ["Xã Hợp Lý", "Xã Lập Thạch", "Xã Liên Hòa", "Xã Sơn Đông", "Xã Thái Hòa", "Xã Tiên Lữ"]


@pytest.fixture
def placed(either_app: Flask) -> Flask:
    """The units and centres that come with the site."""
    imports.save(imports.check(sorted((CONTENT / "units").glob("*.csv"))))
    starter.load_centres(CONTENT / "centres.yaml")
    return either_app


@pytest.fixture
def read(app: Flask) -> Flask:
    """The same for pages that only read."""
    imports.save(imports.check(sorted((CONTENT / "units").glob("*.csv"))))
    starter.load_centres(CONTENT / "centres.yaml")
    return app


def names(words: str) -> list[str]:
    """What the box finds: name and until when."""
    return [
        match.place.name + ("" if match.place.valid_to is None else " †") for match in queries.found(words)
    ]


FOUND_FIRST = {
    "Lập Thạch": "Xã Lập Thạch",
    "lap thach": "Xã Lập Thạch",
    "LẬP THẠCH": "Xã Lập Thạch",
    "huyện Lập Thạch": "Huyện Lập Thạch †",
    "h. lap thach": "Huyện Lập Thạch †",
    "tt Lập Thạch": "Thị trấn Lập Thạch †",
    "Lap Thach district": "Xã Lập Thạch",
    "tu du": "Xã Tử Du †",
    "xã Tử Du, huyện Lập Thạch, tỉnh Vĩnh Phúc": "Xã Tử Du †",
    "tu du lap thach vinh phuc": "Xã Tử Du †",
    "tien lu phu tho": "Xã Tiên Lữ",
    "tiên lữ, vĩnh phúc": "Xã Tiên Lữ †",
    "08842": "Xã Tiên Lữ",
    "246": "Huyện Lập Thạch †",
    "08761@2025-06-30": "Thị trấn Lập Thạch †",
    "tinh ha nam": "Tỉnh Hà Nam †",
}


def test_old_and_new_names_and_codes_are_understood(placed: Flask) -> None:
    """With or without accents, shortened, with what the place lies in, as a code."""
    assert {words: names(words)[0] for words in FOUND_FIRST} == FOUND_FIRST
    assert {"Phường Nam Định", "Tỉnh Nam Định †", "Thành phố Nam Định †"} <= set(names("Nam Định"))


ODD = ["", " ", ",", "%", "_", "'", "\x00", "ơ" * 80, "x.", "@", "9" * 30, "🏠"]


def test_odd_words_find_nothing_or_something_but_never_fail(placed: Flask) -> None:
    """Whatever is typed, the page answers."""
    reader = visitor_of(placed)
    for words in ODD:
        for path in (
            "/vi/places/",
            "/vi/places/suggest",
            "/api/v1/units",
            "/api/v1/procedures",
            "/vi/procedures/",
        ):
            query = {"q": words, "parent": words, "code": words, "sector": words, "agency": words}
            assert reader.get(path, query_string=query).status_code in {200, 302, 400}, (path, words)
        assert reader.get("/vi/places/", query_string={"unit": words}).status_code in {200, 400, 404}


def test_a_former_district_leads_to_its_six_communes(read: Flask) -> None:
    """Lập Thạch has been six communes of Phú Thọ since July 2025."""
    page = unescape(visitor_of(read).get("/en/places/?unit=246@2025-06-30").get_data(as_text=True))
    assert "This unit has not existed since 1 July 2025" in page
    assert "There are no districts any more." in page
    listed = re.findall(r'<li><a href="/en/places/\?unit=(\d+)">([^<]+)</a></li>', page)
    assert [name for _code, name in listed] == LAP_THACH


def test_a_former_commune_says_where_it_went_whole_and_a_divided_one_is_not_guessed(placed: Flask) -> None:
    """Tử Du went whole into Lập Thạch; whoever lived in a divided commune is asked to look or to ask."""
    reader = visitor_of(placed)
    whole = reader.get("/en/places/?unit=08815@2025-06-30").get_data(as_text=True)
    assert "The whole of it now belongs to:" in whole
    assert "/en/places/?unit=08761" in whole
    split = db.session.execute(
        select(Unit.code, Unit.id)
        .join(UnitSuccession, UnitSuccession.old_id == Unit.id)
        .where(Unit.kind == "commune", UnitSuccession.relation == "split")
        .limit(1)
    ).one()
    page = reader.get(f"/en/places/?unit={split.code}@2025-06-30").get_data(as_text=True)
    assert "It was divided." in page
    for successor in queries.successors(split.id):
        assert successor.place.name in page


def test_a_commune_shows_its_centre_and_says_what_nobody_has_checked(read: Flask) -> None:
    """No address is invented; any centre of the province takes the papers."""
    page = visitor_of(read).get("/en/places/?unit=08761").get_data(as_text=True)
    assert "Trung tâm Phục vụ hành chính công xã Lập Thạch" in page
    assert "not yet verified" in page
    assert "any service centre of tỉnh Phú Thọ" in page
    assert "Trung tâm Phục vụ hành chính công xã Tiên Lữ" in page  # among the others of the province
    assert 'data-keep-place="08761"' in page
    assert "Thị trấn Lập Thạch" in page  # what it was made of


def test_a_commune_without_an_entry_is_told_what_its_centre_is_called(read: Flask) -> None:
    """Every commune has one by law."""
    page = visitor_of(read).get("/vi/places/?unit=07900").get_data(as_text=True)
    assert "Trung tâm Phục vụ hành chính công phường Việt Trì" in page


def test_one_match_leads_straight_to_the_place_and_none_says_so(read: Flask) -> None:
    """No needless page between question and answer."""
    reader = visitor_of(read)
    moved = reader.get("/vi/places/?q=Giao+Bình")
    assert (moved.status_code, moved.location) == (302, "/vi/places/?unit=14194")
    assert "No place of this name" in reader.get("/en/places/?q=Atlantis").get_data(as_text=True)
    assert reader.get("/en/places/?unit=99999").status_code == 404


def form_of(page: str) -> dict[str, str]:
    """What a form holds as it stands."""
    return {
        unescape(name): unescape(value)
        for name, value in re.findall(r'<input [^>]*name="([^"]+)"[^>]*value="([^"]*)"', page)
    }


def test_an_editor_enters_hours_and_citizens_see_them_at_once(placed: Flask) -> None:
    """Address, hours and reception points; the log keeps what stood there before; a newer start keeps the change."""
    editor = staff_of(placed, "an", "editor")
    row = db.session.execute(
        select(ServiceCentre.id, ServiceCentre.name).where(ServiceCentre.key == "08761")
    ).one()
    day = datetime.now(VIETNAM).date()
    weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()]
    sent = {
        "name": row.name,
        "main": "centre",
        "revision": form_of(editor.get(f"/en/admin/units/{row.id}").get_data(as_text=True))["revision"],
        "address": "Tổ dân phố Thử, xã Lập Thạch",
        weekday: "7h30-11h30, 13:30 – 17:00",
        "position": "21.4, 105.4",
        "source": "Trang của xã",
        "verified_on": (day - timedelta(days=1)).isoformat(),
    }
    stored = editor.post(f"/en/admin/units/{row.id}", sent)
    assert stored.status_code == 303, stored.get_data(as_text=True)
    page = visitor_of(placed).get("/en/places/?unit=08761&page=1").get_data(as_text=True)
    for said in ("Tổ dân phố Thử", "Open today", "07:30–11:30, 13:30–17:00", 'href="geo:21.4,105.4"'):
        assert said in page
    [line] = audit.latest(limit=1, action="centre.change")
    assert line.account == "an"
    assert line.detail["changed"]["address"] == ["", "Tổ dân phố Thử, xã Lập Thạch"]
    assert starter.load_centres(CONTENT / "centres.yaml") == 0
    shown = form_of(editor.get(f"/en/admin/units/{row.id}").get_data(as_text=True))
    assert shown[weekday] == "07:30-11:30, 13:30-17:00"


WRONG = [
    ("mon", "morning"),
    ("mon", "11:30-07:30"),
    ("mon", "07:30-11:30, 11:00-17:00"),
    ("mon", "25:00-26:00"),
    ("telephone", "call me"),
    ("position", "105.4, 21.4"),
    ("position", "here"),
    ("serves", "99999"),
    ("source_url", "https://dichvucong.gov.vn.evil.example/"),
    ("source_url", "javascript:alert(1)"),
    ("verified_on", "2999-01-01"),
    ("verified_on", "2026-01-01"),
    ("name", ""),
]


def test_a_wrong_entry_is_refused_with_its_reason(placed: Flask) -> None:
    """Nothing half-right is stored; a check without a source does not count."""
    editor = staff_of(placed, "an", "editor")
    centre_id = db.session.scalar(select(ServiceCentre.id).where(ServiceCentre.key == "08761"))
    for field, text in WRONG:
        sent = {"name": "Trung tâm", "main": "centre", field: text}
        answer = editor.post(f"/en/admin/units/{centre_id}", sent)
        assert answer.status_code == 422, (field, text)
        assert f'id="{field}-error"' in answer.get_data(as_text=True), (field, text)


def test_two_editors_of_one_centre_never_overwrite_each_other(placed: Flask) -> None:
    """The second sees what the first stored beside their own words, and decides; without looking nothing is stored."""
    first = staff_of(placed, "an", "editor")
    db.session.rollback()
    second = staff_of(placed, "binh", "editor")
    address = (
        f"/en/admin/units/{db.session.scalar(select(ServiceCentre.id).where(ServiceCentre.key == '08761'))}"
    )
    db.session.rollback()
    mine, theirs = (
        {"main": "centre"} | form_of(editor.get(address).get_data(as_text=True)) for editor in (first, second)
    )
    stored = first.post(address, mine | {"address": "Số 1, phố Cũ", "mon": "07:30-11:30"})
    assert stored.status_code == 303
    refused = second.post(address, theirs | {"telephone": "0211 123 456"})
    assert refused.status_code == 409
    shown = refused.get_data(as_text=True)
    for said in ("Somebody else changed this centre", "Số 1, phố Cũ", "07:30-11:30", 'value="0211 123 456"'):
        assert said in shown
    kept = select(ServiceCentre.address, ServiceCentre.telephone).where(ServiceCentre.key == "08761")
    assert db.session.execute(kept).one() == ("Số 1, phố Cũ", "")
    db.session.rollback()
    agreed = {"main": "centre"} | form_of(shown) | {"address": "Số 1, phố Cũ"}
    assert second.post(address, agreed).status_code == 303
    assert db.session.execute(kept).one() == ("Số 1, phố Cũ", "0211 123 456")
    db.session.rollback()
    assert first.post(f"{address}/remove", {"revision": mine["revision"]}).status_code == 409
    assert second.get(address).status_code == 200


def test_a_reception_point_is_added_and_taken_off(placed: Flask) -> None:
    """A further place of the same commune that also serves its neighbour."""
    editor = staff_of(placed, "an", "admin")
    page = editor.get("/en/admin/units/?q=tien+lu").get_data(as_text=True)
    assert "/en/admin/units/new?unit=08842" in page
    sent = {"unit": "08842", "name": "Điểm tiếp nhận Đồng Ích", "main": "point", "serves": "08761"}
    assert editor.post("/en/admin/units/new", sent).status_code == 303
    reader = visitor_of(placed)
    for code in ("08842", "08761"):
        assert "Điểm tiếp nhận Đồng Ích" in reader.get(f"/en/places/?unit={code}&page=2").get_data(
            as_text=True
        )
    centre_id = db.session.scalar(
        select(ServiceCentre.id).where(ServiceCentre.name == "Điểm tiếp nhận Đồng Ích")
    )
    assert editor.post(f"/en/admin/units/{centre_id}/remove").status_code == 409
    assert editor.post(f"/en/admin/units/{centre_id}/remove", {"revision": "1"}).status_code == 303
    assert "Đồng Ích" not in re.sub(
        r"<details.*?</details>",
        "",
        reader.get("/en/places/?unit=08842&from=1").get_data(as_text=True),
        flags=re.S,
    )
    assert editor.get(f"/en/admin/units/{centre_id}").status_code == 404


def test_an_editor_of_one_commune_leaves_the_others_alone(placed: Flask) -> None:
    """Scope holds for places, too; the desk and managers do not edit them at all."""
    own = queries.by_code("08842")
    assert own is not None
    db.session.rollback()
    editor = staff_of(placed, "an", "editor", unit_id=own.id)
    theirs = db.session.scalar(select(ServiceCentre.id).where(ServiceCentre.key == "08761"))
    mine = db.session.scalar(select(ServiceCentre.id).where(ServiceCentre.key == "08842"))
    assert editor.get(f"/en/admin/units/{mine}").status_code == 200
    assert editor.get(f"/en/admin/units/{theirs}").status_code == 403
    assert editor.get("/en/admin/units/new?unit=08761").status_code == 403
    db.session.rollback()
    assert staff_of(placed, "binh", "desk", "manager").get("/en/admin/units/").status_code == 403


def test_a_program_reads_units_with_what_took_over(placed: Flask) -> None:
    """The code 08761 was a township until June 2025 and is a commune since."""
    reader = visitor_of(placed)
    both = reader.get("/api/v1/units?code=08761").get_json()["units"]
    assert {(unit["name"], unit["valid_to"]) for unit in both} == {
        ("Thị trấn Lập Thạch", "2025-06-30"),
        ("Xã Lập Thạch", None),
    }
    old = reader.get("/api/v1/units?code=246@2025-06-30").get_json()["units"][0]
    assert (old["kind"], old["parent"], old["valid_from"]) == ("district", "26", None)
    assert {one["name"] for one in old["successors"]} == set(LAP_THACH)
    today = reader.get("/api/v1/units?on=2026-11-22&kind=commune&limit=200&parent=25").get_json()
    assert len(today["units"]) == 148
    assert today["next"] is None
    seen: set[tuple[str, str | None]] = set()
    cursor: str | None = "0"
    while cursor is not None:
        page = reader.get(f"/api/v1/units?limit=200&cursor={cursor}").get_json()
        seen |= {(unit["code"], unit["valid_from"]) for unit in page["units"]}
        cursor = page["next"]
    assert len(seen) == len(queries.matches_of(range(1, 5000)))
    graph = json.loads(
        reader.get("/api/v1/units?code=246", headers={"Accept": "application/ld+json"}).get_data()
    )
    assert len(graph["@graph"][0]["dct:isReplacedBy"]) == 6
    assert queries.by_code("25", on=date(2025, 6, 30)) is not None


@pytest.mark.records
def test_all_units_of_the_country_go_in_in_any_order_and_twice_is_once(app: Flask) -> None:
    """34 provinces and 3,321 communes of today; a bare code names today's unit, a dated one the older."""
    files = [shared(f"data/units_{part}.csv.gz") for part in ("old_to_new", "post_2025_07", "pre_2025_07")]
    runner = app.test_cli_runner()
    first = runner.invoke(args=["units", "import", *map(str, files)])
    assert first.exit_code == 0, first.stderr
    assert queries.count_of_today() == {"province": 34, "commune": 3321}
    again = runner.invoke(args=["units", "import", *map(str, reversed(files))])
    assert again.exit_code == 0
    assert queries.count_of_today() == {"province": 34, "commune": 3321}
    new, old = queries.by_code("08842"), queries.by_code("08842@2025-06-30")
    assert new is not None
    assert old is not None
    assert new.id != old.id
    before = queries.by_code("25@2025-06-30")
    assert before is not None
    assert before.name == "Tỉnh Phú Thọ"


def test_a_file_of_another_kind_is_refused(app: Flask, tmp_path: Path) -> None:
    """And a line without its code is named."""
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    refused = app.test_cli_runner().invoke(args=["units", "import", str(wrong)])
    assert (refused.exit_code, "Nothing was stored." in refused.stderr) == (1, True)
    short = tmp_path / "short.csv"
    short.write_text("province_code,province,ward_code,ward\n25,Tỉnh Phú Thọ,,Xã Trống\n")
    refused = app.test_cli_runner().invoke(args=["units", "import", str(short)])
    assert (refused.exit_code, "line 2: ward_code is empty" in refused.stderr) == (1, True)
    assert not queries.any_unit()

"""A manager sees people helped, filters, downloads, and the sums agree; the public sees no small count."""

from __future__ import annotations

import csv
import html
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from python_calamine import CalamineWorkbook

from guidance.units import queries as units
from tests.adoption.conftest import Office
from tests.conftest import visitor_of

MONTH = units.today().strftime("%Y-%m")


def table_of(text: str) -> list[dict[str, str]]:
    """The table below the first empty line of a download."""
    lines = text.lstrip("\ufeff").splitlines()
    return list(csv.DictReader(lines[lines.index("") + 1 :]))


def test_a_manager_sees_people_by_month_and_unit_and_the_download_agrees(either_office: Office) -> None:
    """Page, CSV and workbook say the same numbers."""
    either_office.log("08761", 12)
    either_office.log("08842", 7, outcome="stopped", reason="no_code")
    page = either_office.manager.get("/en/reports/").get_data(as_text=True)
    assert "19 people were helped" in page
    assert re.search(r"Xã Lập Thạch</a></th><td class=\"num\">12<", page)
    answer = either_office.manager.get("/en/reports/units.csv")
    assert answer.mimetype == "text/csv"
    rows = table_of(answer.get_data(as_text=True))
    assert {row["Unit"]: row["People helped"] for row in rows} == {"Xã Lập Thạch": "12", "Xã Tiên Lữ": "7"}
    assert sum(int(row["People helped"]) for row in rows) == 19
    content = either_office.manager.get("/en/reports/units.xlsx").data
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("By unit").to_python()
    assert {row[0]: row[2] for row in sheet[1:]} == {"Xã Lập Thạch": 12, "Xã Tiên Lữ": 7}


def test_a_download_says_what_it_contains(office: Office) -> None:
    """Place, period, filters, definitions, who and when stand in the first rows."""
    office.log("08761", 5)
    text = office.manager.get(f"/en/reports/months.csv?unit=08761&from={MONTH}&to={MONTH}").get_data(
        as_text=True
    )
    head = text[: text.index("\r\n\r\n")]
    for words in (
        "Xã Lập Thạch",
        f"{MONTH}..{MONTH}",
        "All topics",
        "Made by",
        "Made at",
        "Definition",
        "Desk log",
    ):
        assert words in head
    assert text.startswith("\ufeff")


def test_the_address_holds_the_filters(office: Office) -> None:
    """Another unit and period: other numbers, and a link that can be shared."""
    office.log("08761", 12)
    office.log("08842", 7)
    page = office.manager.get(f"/en/reports/?unit=08842&from={MONTH}&to={MONTH}").get_data(as_text=True)
    assert "7 people were helped" in page and "12" not in re.findall(r'class="num">(\d+)<', page)
    empty = office.manager.get("/en/reports/?from=2025-08&to=2025-09").get_data(as_text=True)
    assert "0 people were helped" in empty
    assert office.manager.get("/en/reports/?from=rubbish").status_code == 400
    assert office.manager.get("/en/reports/?from=2026-05&to=2026-01").status_code == 400
    assert office.manager.get("/en/reports/?unit=99999").status_code == 404


def test_htmx_gets_the_results_alone(office: Office) -> None:
    """A filter refreshes the block; it renders without the page around it."""
    office.log("08761", 12)
    headers = {"HX-Request": "true", "HX-Target": "section#results"}
    block = office.manager.get("/en/reports/?preset=year", headers=headers).get_data(as_text=True)
    assert block.lstrip().startswith("<section") and "<html" not in block and "12 people" in block
    public = visitor_of(office.site).get("/en/adoption/?preset=year", headers=headers).get_data(as_text=True)
    assert public.lstrip().startswith("<section") and "<html" not in public


def test_a_manager_of_a_commune_sees_only_that_commune(office: Office) -> None:
    """Another unit's figures are refused, in pages and files."""
    office.log("08761", 12)
    office.log("08842", 7)
    own = office.staff("commune", "manager", unit="08842")
    assert "7 people were helped" in own.get("/en/reports/").get_data(as_text=True)
    for path in (
        "/en/reports/?unit=08761",
        "/en/reports/cases.csv?unit=25",
        "/en/reports/workbook.xlsx?unit=25",
    ):
        assert own.get(path).status_code == 403, path


def test_every_page_and_file_of_the_reports_opens(office: Office) -> None:
    """In every language, with and without cases."""
    for _ in range(2):
        for lang in ("vi", "en", "ur"):
            for path in (
                "",
                "official",
                "league",
                "failures",
                "completeness",
                "targets",
                "imports",
                "files",
                "brief",
            ):
                assert office.manager.get(f"/{lang}/reports/{path}").status_code == 200, path
            assert office.manager.get(f"/{lang}/admin/keys/").status_code == 200
            assert visitor_of(office.site).get(f"/{lang}/adoption/").status_code == 200
        for path in (
            "months.xlsx",
            "topics.csv",
            "workbook.xlsx",
            "cases.csv",
            "cases.xlsx",
            "review.docx",
            "form-06.xlsx",
            "form-II-06a.xlsx",
        ):
            assert office.manager.get(f"/vi/reports/{path}").status_code == 200, path
        office.log("08761", 12, outcome="stopped", reason="nfc")


def test_briefs_of_all_communes_are_printed_at_once(office: Office) -> None:
    """One sheet for each commune of the province that the manager answers for, each with its own numbers."""
    office.log("08761", 12)
    office.log("08761", 3)
    whole = office.manager.get("/en/reports/brief?unit=25").get_data(as_text=True)
    assert "One page for each commune" in whole and 'class="sheet"' not in whole
    each = office.manager.get("/en/reports/brief?unit=25&each=commune").get_data(as_text=True)
    sheets = each.split('<section class="sheet">')[1:]
    with office.site.app_context():
        province = units.by_code("25")
        assert province is not None
        names = [place.name for place in units.communes_below(province.id)]
    assert [html.unescape(sheet.split("<h2>")[1].split("</h2>")[0]) for sheet in sheets] == names
    helped = ["15 people were helped." in sheet for sheet in sheets]
    assert helped.count(True) == 1 and "15 people were helped." in whole
    own = office.manager.get("/en/reports/brief?unit=08761&each=commune").get_data(as_text=True)
    assert 'class="sheet"' not in own and "15 people were helped." in own


def test_the_workbook_holds_charts_cases_and_definitions(office: Office) -> None:
    """Native charts, every sheet, and sums that agree with the page."""
    import zipfile

    office.log("08761", 12, minutes="5-15", age_band="60+")
    content = office.manager.get("/en/reports/workbook.xlsx").data
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert sum("charts/chart" in name for name in names) == 2
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == [
        "Summary",
        "By month",
        "By unit",
        "By topic",
        "Units by topics",
        "Cases",
        "Completeness",
        "Definitions",
    ]
    cases = book.get_sheet_by_name("Cases").to_python()
    assert len(cases) == 2 and cases[1][1] == "Xã Lập Thạch" and cases[1][11] == 12
    crossed = book.get_sheet_by_name("Units by topics").to_python()
    assert [row[4] for row in crossed[1:] if row[3] == "general"] == [12]


def test_the_list_of_cases_says_nothing_about_who_was_helped(office: Office) -> None:
    """No note, no file reference, no key, no staff member."""
    office.log("08761", 1, note="bà cụ ở xóm Đình", file_reference="")
    text = office.manager.get("/en/reports/cases.csv").get_data(as_text=True)
    assert "xóm" not in text and "manager" not in text.split("\r\n\r\n", 1)[1]
    assert table_of(text)[0]["Unit code"] == "08761"


def test_the_public_page_hides_small_counts_and_keeps_no_cookie(either_office: Office) -> None:
    """Three people are too few; twelve may be told."""
    either_office.log("08761", 3)
    public = visitor_of(either_office.site)
    page = public.get("/en/adoption/")
    assert "Too few people" in page.get_data(as_text=True) and "Set-Cookie" not in page.headers
    either_office.log("08842", 12)
    shown = public.get("/en/adoption/?preset=month").get_data(as_text=True)
    assert "15 people were helped" in shown
    assert "Xã Tiên Lữ" not in shown and "Xã Lập Thạch" not in shown  # 12 would give away 3
    text = public.get("/en/adoption/units.csv?preset=month").get_data(as_text=True)
    assert "CC BY 4.0" in text and [row["People helped"] for row in table_of(text)] == ["15"]


def test_why_people_fail_is_ranked_and_leads_to_what_to_mend(office: Office) -> None:
    """Reason, people, and of how many who were helped."""
    office.log("08761", 9, outcome="stopped", reason="no_code")
    office.log("08761", 2, outcome="referred", reason="sim")
    office.log("08761", 9)
    page = office.manager.get("/en/reports/failures").get_data(as_text=True)
    assert "11 people stopped or were sent elsewhere" in page
    assert page.index("The code (OTP) did not come") < page.index("SIM not in one")
    assert "(9/20)" in page
    needs = page[page.index("Unmet needs") :]
    assert "helped, and did not get through" in needs and re.search(
        r'class="num">11</td><td class="num">20<', needs
    )


def test_completeness_names_who_logged_nothing_and_a_month_closes_and_reopens(office: Office) -> None:
    """A closed month is seen by the communes below; only a manager reopens it."""
    office.log("08761", 9)
    page = office.manager.get("/en/reports/completeness").get_data(as_text=True)
    assert "2 of 3 communes logged nothing" in page
    assert (
        office.manager.post("/en/reports/completeness/close", {"unit": "25", "month": MONTH}).status_code
        == 303
    )
    assert "Reopen this month" in office.manager.get("/en/reports/completeness").get_data(as_text=True)
    desk = office.staff("desk", "desk", unit="08761")
    case = {
        "case_uid": "closed-1",
        "topic": "general",
        "need": "submit",
        "help_mode": "guided",
        "outcome": "submitted",
    }
    assert (
        desk.client.post("/api/v1/cases", json=case, headers={"Sec-Fetch-Site": "same-origin"}).status_code
        == 409
    )
    own = office.staff("commune", "manager", unit="08842")
    assert own.post("/en/reports/completeness/reopen", {"unit": "25", "month": MONTH}).status_code == 403
    assert (
        office.manager.post("/en/reports/completeness/reopen", {"unit": "25", "month": MONTH}).status_code
        == 303
    )
    assert (
        desk.client.post("/api/v1/cases", json=case, headers={"Sec-Fetch-Site": "same-origin"}).status_code
        == 201
    )


def test_a_target_appears_with_its_gap_and_rolls_up(office: Office) -> None:
    """Twelve months fill a year; the province adds up its communes."""
    office.log("08761", 12)
    year = units.today().year
    for unit, number in (("08761", "100"), ("08842", "1.000")):
        sent = {
            "indicator": "assisted.people",
            "unit": str(office.ids[unit]),
            "period": str(year),
            "amount": number,
            "source": "Plan",
        }
        assert office.manager.post("/en/reports/targets", sent).status_code == 303
    page = office.manager.get("/en/reports/?preset=year").get_data(as_text=True)
    assert "Target: 1,100." in page and "1,088 to go" in page and "adds up 2 units" in page
    wrong = {
        "indicator": "assisted.people",
        "unit": str(office.ids["08761"]),
        "period": "soon",
        "amount": "many",
        "source": "",
    }
    answer = office.manager.post("/en/reports/targets", wrong)
    assert answer.status_code == 422 and "2026-11" in answer.get_data(as_text=True)


def test_the_review_is_a_vietnamese_administrative_document(office: Office) -> None:
    """A4, the margins, the heading block, numbered sources; every figure of the log names its source."""
    from docx import Document
    from docx.shared import Mm

    office.log("08761", 12, outcome="stopped", reason="nfc")
    file = Document(io.BytesIO(office.manager.get("/en/reports/review.docx").data))
    section = file.sections[0]
    assert (round(section.page_width / Mm(1)), round(section.page_height / Mm(1))) == (210, 297)
    assert round(section.left_margin / Mm(1)) == 30 and round(section.right_margin / Mm(1)) == 15
    heading = " ".join(cell.text for cell in file.tables[0].rows[0].cells)
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in heading and "TỈNH PHÚ THỌ" in heading
    text = "\n".join(paragraph.text for paragraph in file.paragraphs)
    assert "12 lượt người được giúp" in text and "không đọc được chip (NFC)" in text
    assert "[1]" in text and "Nguồn số liệu" in text and file.styles["Normal"].font.name == "Times New Roman"


def test_exports_leave_a_line_in_the_audit_log(app: Flask, office: Office) -> None:
    """Who took which figures out."""
    from guidance import audit
    from guidance.db import db

    office.manager.get("/en/reports/cases.csv?unit=08761")
    db.session.rollback()
    line = audit.latest(action="figures.export")[0]
    assert (line.account, line.subject, line.detail["what"]) == ("manager", "unit:08761", "cases.csv")


def test_libreoffice_opens_what_we_write(office: Office, tmp_path: Path) -> None:
    """Workbook, form and review turn into PDF with Vietnamese intact."""
    soffice = shutil.which("soffice") or shutil.which("libreoffice")
    if soffice is None:
        pytest.skip("LIBREOFFICE ABSENT: files are checked with calamine and python-docx only")
    office.log("08761", 12)
    for name in ("workbook.xlsx", "form-06.xlsx", "review.docx"):
        path = tmp_path / name
        path.write_bytes(office.manager.get(f"/vi/reports/{name}").data)
        subprocess.run(
            [soffice, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(path)],
            check=True,
            timeout=120,
        )
        assert path.with_suffix(".pdf").stat().st_size > 1000

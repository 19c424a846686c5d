"""The whole job once, in a real browser: a citizen reads, staff log and correct, a manager counts and takes away."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from python_calamine import CalamineWorkbook

pytestmark = pytest.mark.browser


def test_a_citizen_finds_birth_registration_without_marks_reads_and_prints(page: Page) -> None:
    """Typing 'giay khai sinh' on the home page leads to the procedure and its leaflet."""
    page.goto("/vi/")
    page.get_by_role("combobox").fill("giay khai sinh")
    first = page.get_by_role("option").first
    expect(first).to_be_visible()
    page.get_by_role("combobox").press("Enter")
    page.wait_for_url("**/vi/search?q=giay*")
    page.get_by_role("main").get_by_role("link", name="Khai sinh cho con", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Khai sinh cho con")
    expect(page.get_by_role("main")).to_contain_text("1.001193")
    expect(page.get_by_role("heading", name="Cần chuẩn bị gì")).to_be_visible()
    page.get_by_role("link", name="Tờ in").click()
    page.wait_for_url("**/procedures/1.001193/print")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Khai sinh")
    expect(page.locator("svg").first).to_be_visible()
    assert page.pdf(format="A4", print_background=False)[:4] == b"%PDF"


def test_a_citizen_finds_it_without_scripts_too(open_page: Callable[..., Page]) -> None:
    """The same search as a plain form."""
    window = open_page(java_script_enabled=False)
    window.goto("/vi/")
    window.locator("input[name=q]").first.fill("giay khai sinh")
    window.locator("form[role=search] button[type=submit]").first.click()
    expect(
        window.get_by_role("main").get_by_role("link", name="Khai sinh cho con", exact=True).first
    ).to_be_visible()


def test_staff_log_in_two_actions_and_correct_and_a_manager_takes_the_figures_away(
    staff_page: Page, tmp_path: Path
) -> None:
    """One key fills the log, one more saves; a correction is counted; page, CSV and workbook agree."""
    page = staff_page
    page.goto("/en/reports/?preset=month")
    before = people_in_all(page)

    page.goto("/en/desk/")
    today = page.locator("#today")
    rows = today.locator(".case").count()
    page.locator("body").press("v")
    page.keyboard.press("Control+Enter")
    expect(today.locator(".case")).to_have_count(rows + 1)

    today.get_by_role("link", name=re.compile("Correct or void")).first.click()
    page.locator("input[name=people]").fill("3")
    page.locator("[name=why]").first.fill("a family of three")
    page.get_by_role("button", name=re.compile("Save|Correct")).first.click()
    page.goto("/en/desk/")
    expect(page.locator("#today")).to_contain_text("3 people")
    expect(page.locator("#today")).to_contain_text("corrected")

    page.goto("/en/reports/?preset=month")
    assert people_in_all(page) == before + 3
    with page.expect_download() as csv_file:
        page.get_by_role("link", name="Download CSV").first.click()
    with page.expect_download() as xlsx_file:
        page.get_by_role("link", name="Download Excel").first.click()
    csv_file.value.save_as(tmp_path / "months.csv")
    xlsx_file.value.save_as(tmp_path / "months.xlsx")

    raw = (tmp_path / "months.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows_of_csv = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert sum_of_column(rows_of_csv, "People helped") == before + 3
    workbook = CalamineWorkbook.from_path(str(tmp_path / "months.xlsx"))
    sheets = [workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names]
    assert any(
        sum_of_column(sheet, "People helped") == before + 3
        for sheet in sheets
        if any("People helped" in map(str, row) for row in sheet)
    )
    said = " ".join(str(cell) for row in sheets[0] for cell in row)
    assert "desk log" in said.lower()


def people_in_all(page: Page) -> int:
    """The total at the foot of the table by month."""
    text = page.locator("tfoot td").first.inner_text()
    return int(re.sub(r"\D", "", text) or 0)


def sum_of_column(rows: list[list[object]], heading: str) -> int:
    """The sum under a heading, down to the first empty or total line."""
    start = next(number for number, row in enumerate(rows) if heading in [str(cell) for cell in row])
    column = [str(cell) for cell in rows[start]].index(heading)
    total = 0
    for row in rows[start + 1 :]:
        if len(row) <= column or not str(row[0]).strip() or str(row[0]) in {"In all", "Total"}:
            break
        total += int(float(str(row[column]) or 0))
    return total

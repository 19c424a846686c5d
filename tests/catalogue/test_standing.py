"""A reader learns that a procedure ends or has ended, and what takes its place; a code that comes later is found."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from guidance import pagecache
from guidance.catalogue import shipped, starter
from guidance.catalogue.models import ProcedureCard
from guidance.config import PROJECT
from guidance.db import db
from guidance.units.queries import today
from tests.catalogue.records import load, record, write
from tests.conftest import Visitor, staff_of, visitor_of

CONTENT = PROJECT / "guidance" / "content"
POVERTY = "1.011606"
UNCODED = "x-diploma-copy"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers see a change at once, not a second later."""
    monkeypatch.setattr(pagecache, "SECONDS_BETWEEN_LOOKS", 0.0)


def seen(editor: Visitor, key: str) -> str:
    """What the form says the editor has before them."""
    found = re.search(
        r'name="seen" value="(\w+)"', editor.get(f"/en/editing/procedures/{key}").get_data(as_text=True)
    )
    assert found
    return found[1]


def read(site: Flask, address: str) -> str:
    """A public page, entities resolved."""
    answer = visitor_of(site).get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return unescape(answer.get_data(as_text=True))


def end(editor: Visitor, key: str, **values: str) -> None:
    """An editor says until when a procedure is in force."""
    sent = {"seen": seen(editor, key), "source": "Quyết định 1/QĐ-BTP", **values}
    answer = editor.post(f"/en/editing/procedures/{key}/standing", sent)
    assert answer.status_code == 303, answer.get_data(as_text=True)


def test_the_poverty_codes_say_when_they_end_and_what_follows_whatever_is_loaded_first(
    app: Flask, tmp_path: Path
) -> None:
    """The shipped last day reaches a record that is imported later, with the mark that nobody has checked it."""
    assert shipped.load_standings(CONTENT / "standing.yaml") == 4
    assert shipped.load_standings(CONTENT / "standing.yaml") == 0
    assert visitor_of(app).get("/vi/procedures/3.000412").status_code == 404
    load(app, write(tmp_path / "a.jsonl", record("3.000412"), record(POVERTY)))
    for code in ("3.000412", POVERTY):
        page = read(app, f"/en/procedures/{code}")
        callout = page[page.index("In force until 31 December 2026") :][:800]
        for said in ("1.116214", "1.116215", "Not yet verified"):
            assert said in callout
    told = json.loads(read(app, f"/api/v1/procedures/{POVERTY}"))
    assert (told["status"], told["valid_to"]) == ("active", "2026-12-31")
    assert told["superseded_by"] == ["1.116214", "1.116215"]


def test_an_ended_procedure_leads_to_its_one_successor_and_says_so(either_app: Flask, tmp_path: Path) -> None:
    """Until its last day it is shown as it is; the day after, its address leads on, over several steps."""
    load(either_app, write(tmp_path / "a.jsonl", *(record(f"1.00000{n}") for n in (1, 2, 3))))
    editor, reader = staff_of(either_app, "an", "editor"), visitor_of(either_app)
    yesterday = today() - timedelta(days=1)
    end(editor, "1.000001", valid_to=today().isoformat(), superseded_by="1.000002")
    assert "In its place" not in read(either_app, "/en/procedures/1.000001?day=1")
    end(editor, "1.000001", valid_to=yesterday.isoformat(), superseded_by="1.000002")
    end(editor, "1.000002", superseded_by="1.000003")
    moved = reader.get("/en/procedures/1.000001?day=2")
    assert (moved.status_code, moved.location.partition("?")[0]) == (301, "/en/procedures/1.000003")
    assert "Code 1.000001 now leads here" in read(either_app, moved.location)
    assert reader.get("/api/v1/procedures/1.000002").location == "/api/v1/procedures/1.000003"


def test_an_ended_procedure_without_one_successor_stays_and_tells(either_app: Flask, tmp_path: Path) -> None:
    """Two followers, or none that is known: the reader chooses, or is told whom to ask."""
    load(either_app, write(tmp_path / "a.jsonl", *(record(f"1.00000{n}") for n in (1, 2, 4))))
    editor = staff_of(either_app, "an", "editor")
    yesterday = (today() - timedelta(days=1)).isoformat()
    end(editor, "1.000001", valid_to=yesterday, superseded_by="1.000002, 1.999999")
    end(editor, "1.000004", valid_to=yesterday)
    page = read(either_app, "/en/procedures/1.000001?day=3")
    assert "No longer in force" in page
    assert re.search(r'<a href="/en/procedures/1\.000002"[^>]*>', page)
    assert "1.999999" in page
    assert "Ask the service centre what has replaced it" in read(either_app, "/en/procedures/1.000004?day=3")
    api = visitor_of(either_app)
    assert api.get("/api/v1/procedures/1.000001").get_json()["status"] == "superseded"
    assert api.get("/api/v1/procedures/1.000004").get_json()["status"] == "repealed"


def test_two_editors_do_not_end_a_procedure_over_each_others_heads(app: Flask, tmp_path: Path) -> None:
    """The second sees that somebody was quicker; nonsense is refused with its reason."""
    load(app, write(tmp_path / "a.jsonl", record("1.000001")))
    editor = staff_of(app, "an", "editor")
    first = seen(editor, "1.000001")
    address = "/en/editing/procedures/1.000001/standing"
    sent = {"seen": first, "source": "Báo", "valid_to": "2026-12-31"}
    assert editor.post(address, sent).status_code == 303
    late = editor.post(address, sent | {"valid_to": "2027-06-30"})
    assert late.status_code == 409
    assert "2027-06-30" in late.get_data(as_text=True)
    for field, wrong in (
        ("source", {"valid_to": "2026-12-31", "source": ""}),
        ("superseded_by", {"superseded_by": "one.two", "source": "Báo"}),
        ("valid_to", {"valid_from": "2026-02-01", "valid_to": "2026-01-01", "source": "Báo"}),
        ("checked", {"checked": "2999-01-01", "source": "Báo"}),
    ):
        answer = editor.post(address, {"seen": first} | wrong)
        assert answer.status_code == 422, field
        assert f'id="{field}-error"' in answer.get_data(as_text=True), field


def test_what_an_editor_says_about_an_end_outlasts_an_upgrade(app: Flask, tmp_path: Path) -> None:
    """The shipped day does not come back."""
    load(app, write(tmp_path / "a.jsonl", record(POVERTY)))
    shipped.load_standings(CONTENT / "standing.yaml")
    end(staff_of(app, "an", "editor"), POVERTY, valid_to="2027-06-30")
    assert shipped.load_standings(CONTENT / "standing.yaml") == 0
    assert "30 June 2027" in read(app, f"/en/procedures/{POVERTY}")


@pytest.fixture
def uncoded(either_app: Flask, tmp_path: Path) -> Path:
    """A folder with one starter procedure that has no code, loaded."""
    folder = tmp_path / "procedures"
    folder.mkdir()
    shutil.copy(CONTENT / "procedures" / f"{UNCODED}.yaml", folder)
    starter.load_starters(folder)
    return folder


@pytest.mark.parametrize("record_first", [True, False])
def test_a_code_that_is_published_later_takes_over_the_address(
    either_app: Flask, tmp_path: Path, uncoded: Path, record_first: bool
) -> None:
    """The guidance stands beside the record, at the code; the old address leads there and a newer start changes nothing."""
    editor = staff_of(either_app, "an", "editor")
    file = write(tmp_path / "a.jsonl", record("1.005092", name="Cấp bản sao văn bằng từ sổ gốc"))
    if record_first:
        load(either_app, file)
    assert editor.post(f"/en/editing/procedures/{UNCODED}/code", {"code": "bad"}).status_code == 422
    given = editor.post(f"/en/editing/procedures/{UNCODED}/code", {"code": "1.005092.000.00.00.H42"})
    assert given.status_code == 303, given.get_data(as_text=True)
    if not record_first:
        load(either_app, file)
    moved = visitor_of(either_app).get(f"/vi/procedures/{UNCODED}")
    assert (moved.status_code, moved.location.partition("?")[0]) == (301, "/vi/procedures/1.005092")
    page = read(either_app, moved.location)
    assert "Cấp bản sao văn bằng từ sổ gốc" in page
    assert "Hay vướng ở đâu" in page
    assert [card.key for card in db.session.query(ProcedureCard)] == ["1.005092"]
    db.session.rollback()
    assert starter.load_starters(uncoded).stored == 0
    assert visitor_of(either_app).get(f"/vi/procedures/{UNCODED}?again=1").status_code == 301


@pytest.mark.parametrize("record_first", [True, False])
def test_a_newer_starter_file_may_bring_the_code(
    either_app: Flask, tmp_path: Path, uncoded: Path, record_first: bool
) -> None:
    """The file keeps its key and gains a code: one procedure, reached by both."""
    if record_first:
        load(either_app, write(tmp_path / "a.jsonl", record("1.005092")))
    path = uncoded / f"{UNCODED}.yaml"
    path.write_text(re.sub(r"(?m)^code: .*$", 'code: "1.005092"', path.read_text("utf-8"), count=1), "utf-8")
    assert starter.load_starters(uncoded).problems == []
    assert [card.key for card in db.session.query(ProcedureCard)] == ["1.005092"]
    db.session.rollback()
    assert visitor_of(either_app).get(f"/vi/procedures/{UNCODED}").status_code == 301


def test_a_code_with_the_suffix_of_a_province_is_the_national_one(app: Flask, tmp_path: Path) -> None:
    """Papers of provinces print 1.000001.000.00.00.H42; that is no replaced code."""
    load(app, write(tmp_path / "a.jsonl", record("1.000001")))
    moved = visitor_of(app).get("/en/procedures/1.000001.000.00.00.H42")
    assert (moved.status_code, moved.location) == (301, "/en/procedures/1.000001")

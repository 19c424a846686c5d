"""Online levels of one place and one day: matched, reported, never shown as the nation's."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from tests.catalogue.records import load, record, write
from tests.conftest import visitor_of


def levels(site: Flask, path: Path, *more: str) -> tuple[int, str, str]:
    """Run `flask catalogue levels`."""
    base = ["catalogue", "levels", str(path), "--source", "Danh mục thử 2023", "--date", "2023-06-30"]
    done = site.test_cli_runner().invoke(args=[*base, *more])
    return done.exit_code, done.stdout, done.stderr


def test_levels_are_matched_by_code_and_by_name_and_the_rest_is_reported(
    either_app: Flask, tmp_path: Path
) -> None:
    """Twice is once; the page names place, source and day and goes on saying what the nation's record says."""
    load(either_app, write(tmp_path / "a.jsonl", record("1.000001"), record("1.000002", name="Không mã")))
    path = tmp_path / "levels.csv"
    path.write_text(
        "code,name,sector,online_level\n1.000001,A,S,Toàn trình\n,Không mã,S,Một phần\n1.9,Lạ,S,Toàn trình\n"
    )
    code, out, _err = levels(either_app, path)
    assert code == 0
    assert "read 3, matched 2 (stored 2, unchanged 0), not matched 1" in out
    assert "Not matched: line 4" in out
    assert "stored 0, unchanged 2" in levels(either_app, path)[1]
    page = visitor_of(either_app).get("/en/procedures/1.000001").get_data(as_text=True)
    assert "Danh mục thử 2023, 30 June 2023" in page
    assert "Online possible" in page
    assert "(formerly called level 4)" not in page


def test_a_level_said_of_the_nation_today_is_told_with_its_source_and_day(app: Flask, tmp_path: Path) -> None:
    """The badge says it, lists are filtered by it, and the old name of the level is a help for who still knows it."""
    load(app, write(tmp_path / "a.jsonl", record("1.000001")))
    path = tmp_path / "levels.csv"
    path.write_text("code,name,sector,online_level\n1.000001,A,S,Toàn trình\n")
    assert levels(app, path, "--date", "2026-07-15")[0] == 0
    reader = visitor_of(app)
    page = reader.get("/en/procedures/1.000001").get_data(as_text=True)
    for said in ("Fully online", "(formerly called level 4)", "(Danh mục thử 2023, 15 July 2026)"):
        assert said in page
    assert "1.000001" in reader.get("/en/procedures/?online=full").get_data(as_text=True)


def test_a_level_nobody_knows_refuses_the_file(app: Flask, tmp_path: Path) -> None:
    """A typing error does not become a level."""
    load(app, write(tmp_path / "a.jsonl", record("1.000001")))
    path = tmp_path / "levels.csv"
    path.write_text("code,name,sector,online_level\n1.000001,A,S,Mức 9\n")
    code, _out, err = levels(app, path)
    assert code == 1
    assert "Nothing was stored." in err
    code, _out, err = levels(app, path, "--unit", "99999")
    assert (code, "no unit with the code 99999" in err) == (1, True)

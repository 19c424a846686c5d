"""Nothing half-finished ships: `flask catalogue check` names every part a starter procedure lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from flask import Flask

from guidance.config import PROJECT

STARTERS = PROJECT / "guidance" / "content" / "procedures"
WHOLE = yaml.safe_load((STARTERS / "1.001193.yaml").read_text(encoding="utf-8"))
Change = Callable[[dict[str, Any]], Any]


def check(site: Flask, *arguments: str) -> Result:
    """Run the command."""
    return site.test_cli_runner().invoke(args=["catalogue", "check", *arguments])


def test_what_ships_is_complete_and_enough(app: Flask) -> None:
    """Sixty or more, in Vietnamese and English, titles and summaries in Urdu, none with a problem."""
    done = check(app)
    assert done.exit_code == 0, done.output
    assert int(done.output.split()[0]) >= 60


def without(*path: str | int) -> Change:
    """Empty one value of the file."""

    def change(whole: dict[str, Any]) -> None:
        inner: Any = whole
        for step in path[:-1]:
            inner = inner[step]
        empty = type(inner[path[-1]])()
        inner[path[-1]] = empty if isinstance(empty, list | dict | str) else None

    return change


def put(value: Any, *path: str | int) -> Change:
    """Put another value in the file."""

    def change(whole: dict[str, Any]) -> None:
        inner: Any = whole
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value

    return change


LACKS: list[tuple[str, Change]] = [
    *((part, put([], part)) for part in ("levels", "audience", "life_events", "channels")),
    *((part, put(None, part)) for part in ("agency", "hand_in", "help_at", "review_by", "ur")),
    ("source", without("sources")),
    *(
        (f"{lang}.{part}", put([], lang, part))
        for lang in ("vi", "en")
        for part in ("who", "bring", "counter", "online", "staff")
    ),
    *((f"{lang}.summary", put("", lang, "summary")) for lang in ("vi", "en", "ur")),
    *((f"{lang}.result", put(None, lang, "result")) for lang in ("vi", "en")),
    ("name", put("", "vi", "name")),
    ("name", put("", "en", "name")),
    ("vi.mistakes (two)", lambda whole: whole["vi"]["mistakes"].__delitem__(slice(1, None))),
    ("en.bring has not as many entries", lambda whole: whole["en"]["bring"].pop()),
    ("en.bring 1 has not as many papers", lambda whole: whole["en"]["bring"][0]["items"].pop()),
    ("channels 1: the time", lambda whole: whole["channels"][0].update(time=None, note=None)),
    ("channels 1: the unit", lambda whole: whole["channels"][0].update(time=1, time_unit=None)),
    (
        "channels 1: the fee",
        lambda whole: whole["channels"][0].update(fee=None, set_by_province=False, note=None),
    ),
    ("channels 1: the source", lambda whole: whole["channels"][0].update(source=None)),
    ("vi.counter 1 has no source", lambda whole: whole["vi"]["counter"][0].pop("source")),
    ("agency has no source", lambda whole: whole["agency"].pop("source")),
    ("a source named 'nowhere'", put("nowhere", "vi", "result", "source")),
    ("a source named 'nowhere'", put("nowhere", "hand_in", "source")),
    ("no life event 'holiday'", put(["holiday"], "life_events")),
    ("9.999999 leads nowhere", put(["9.999999"], "before")),
    ("guide:nothing leads nowhere", put(["guide:nothing"], "after")),
    ("verified_on", put("soon", "sources", "portal", "verified_on")),
]


@pytest.mark.parametrize(("said", "change"), LACKS, ids=[f"{n}-{said}" for n, (said, _c) in enumerate(LACKS)])
def test_a_missing_part_fails_the_check_by_its_name(
    app: Flask, tmp_path: Path, said: str, change: Change
) -> None:
    """One part less than a whole procedure, and the command ends with 1."""
    whole = yaml.safe_load(yaml.safe_dump(WHOLE))
    path = tmp_path / "1.001193.yaml"
    path.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    assert check(app, str(tmp_path)).exit_code == 0
    change(whole)
    path.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    done = check(app, str(tmp_path))
    assert done.exit_code == 1, said
    assert said in done.output


def test_two_files_of_one_procedure_fail_the_check(app: Flask, tmp_path: Path) -> None:
    """The second would replace the first without a word."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text((STARTERS / "1.001193.yaml").read_text("utf-8"), "utf-8")
    done = check(app, str(tmp_path))
    assert done.exit_code == 1
    assert "stands in 2 files" in done.output

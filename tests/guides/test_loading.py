"""Starter content on both databases: stored once, in one transaction, never over an editor's words."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from guidance.catalogue import shipped
from guidance.catalogue.models import GuideLink, Notice
from guidance.config import PROJECT
from guidance.db import content_version, db, row_count
from guidance.guides import imports, queries
from guidance.guides.models import Guide, GuideText, GuideVersion

CONTENT = PROJECT / "guidance" / "content"


def test_the_guides_are_loaded_once(either_app: Flask) -> None:
    """The second start finds nothing to do; the catalogue knows which guide belongs to which procedure."""
    first = imports.load()
    assert first.problems == []
    assert first.stored == row_count(Guide) == row_count(GuideLink) >= 40
    assert row_count(GuideText) == row_count(GuideVersion)
    version = content_version()
    second = imports.load()
    assert (second.stored, second.unchanged, second.waiting) == (0, first.stored, 0)
    assert content_version() == version
    helpful = [card.slug for card in queries.guides_for_procedure("3.000228", "vi")]
    assert {"vneid-level-2", "vneid-activation"} <= set(helpful)
    assert helpful.index("vneid-level-2") < helpful.index("vneid-activation")


def test_a_notice_that_an_editor_ended_does_not_come_back(either_app: Flask, tmp_path: Path) -> None:
    """An upgrade brings new wording, but what an editor decided stays."""
    source = (CONTENT / "notices.yaml").read_text(encoding="utf-8")
    file = tmp_path / "notices.yaml"
    file.write_text(source, encoding="utf-8")
    assert shipped.load_notices(file).stored == row_count(Notice) >= 4
    assert shipped.load_notices(file).stored == 0
    ended = db.session.query(Notice).filter_by(key="vneid-scam-2026-10").one()
    ended.edited, ended.title = True, {"vi": "Lời của biên tập viên"}
    db.session.commit()
    file.write_text(source.replace("là lừa đảo", "đều là lừa đảo"), encoding="utf-8")
    again = shipped.load_notices(file)
    assert (again.stored, again.waiting) == (0, 1)
    kept = db.session.query(Notice).filter_by(key="vneid-scam-2026-10").one()
    assert kept.title == {"vi": "Lời của biên tập viên"}


def test_a_broken_notices_file_changes_nothing(either_app: Flask, tmp_path: Path) -> None:
    """A mistake in the file is named, and what was there stays."""
    file = tmp_path / "notices.yaml"
    file.write_text("- {key: A B, kind: party}\n", encoding="utf-8")
    report = shipped.load_notices(file)
    assert report.problems
    assert row_count(Notice) == 0

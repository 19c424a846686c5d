"""Guides as files: what is read, what is refused, what the check finds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from guidance.config import PROJECT
from guidance.guides import format as guides
from guidance.guides import imports, markdown, shapes

SHIPPED = PROJECT / "guidance" / "content" / "guides"


def test_every_shipped_guide_is_complete(app: Flask) -> None:
    """A reader never meets a guide without source, date, trouble entry or translation."""
    result = app.test_cli_runner().invoke(args=["guides", "check"])
    assert result.exit_code == 0, result.output
    assert int(result.output.split()[0]) >= 40


def test_every_group_of_the_task_has_guides() -> None:
    """VNeID, VssID, portal, papers, helpers, programme: nobody is left out."""
    found, _problems = guides.read_folder(SHIPPED)
    assert {guide.original.group for guide in found} == set(guides.GROUPS)
    urdu = [guide.original.slug for guide in found if guide.original.group in guides.URDU_GROUPS]
    assert [slug for slug in urdu if not (SHIPPED / f"{slug}.ur.md").exists()] == []


def test_a_guide_written_out_and_read_back_is_the_same() -> None:
    """An editor who saves without a change changes nothing."""
    for guide in guides.read_folder(SHIPPED)[0]:
        for words in guide.words.values():
            assert guides.parse(guides.as_text(words)) == words


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("source: portal\n", "source: nowhere\n", "a source named 'nowhere'"),
        ("(guide:vneid-activation)", "(guide:no-such-guide)", "a link to the guide no-such-guide"),
        ("(guide:vneid-activation)", "(https://example.com/x)", "neither a page of this site"),
        ("related: [", "related: [no-such-guide, ", "the related guide no-such-guide"),
        ("group: vneid", "group: nowhere", "group"),
        ("slug: vneid-level-2\n", "slug: another\n", "says it is"),
        ("owner: content\n", "", "does not say owner"),
        ('verified_on: "2026-07"\nowner', "owner", "does not say verified_on"),
        ("procedures: [", "x_procedures: [", "x_procedures"),
        ("systems: [vneid]", "systems: []", "systems is missing"),
        ("review_by: 2027-05-01", "review_by: 2026-06-30", "a review date after verified_on"),
        ("review_by: 2027-05-01", "review_by: soon", "review_by"),
        ('verified_on: "2026-07"\nowner', 'verified_on: "July"\nowner', "verified_on"),
        ("    source: sim\n", "", "a source for step 1"),
    ],
)
def test_the_check_names_what_a_writer_got_wrong(tmp_path: Path, before: str, after: str, said: str) -> None:
    """A mistake is found before readers find it, and named."""
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "vneid-level-2.vi.md"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
    _number, problems = imports.check(tmp_path)
    assert any("vneid-level-2" in problem and said in problem for problem in problems), problems


def test_a_translation_that_lost_a_step_is_found(tmp_path: Path) -> None:
    """Marks are taken from the original entry by entry, so a missing step would shift them."""
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "vssid.en.md"
    words = guides.parse(file.read_text(encoding="utf-8"))
    file.write_text(guides.as_text(words.model_copy(update={"steps": words.steps[1:]})), encoding="utf-8")
    _number, problems = imports.check(tmp_path)
    assert any(problem.startswith("vssid: en: steps has") for problem in problems)


LACKS: dict[str, dict[str, int]] = {
    "three steps": {"steps": 2},
    "an entry about what may go wrong": {"trouble": 0},
    "staff": {"staff": 0},
    "prepare": {"prepare": 0},
    "keywords": {"keywords": 0},
    "life_events": {"life_events": 0},
    "sources": {"sources": 0},
}


@pytest.mark.parametrize("part", LACKS)
def test_a_guide_without_a_part_is_not_published(part: str) -> None:
    """Fewer than three steps, nothing about trouble, nothing for staff: each is named."""
    whole = guides.parse((SHIPPED / "vneid-level-2.vi.md").read_text(encoding="utf-8"))
    assert isinstance(whole, shapes.Original)
    changes: dict[str, Any] = {
        name: type(getattr(whole, name))(list(getattr(whole, name))[:number])
        for name, number in LACKS[part].items()
    }
    if part == "an entry about what may go wrong":
        changes["steps"] = [step.model_copy(update={"trouble": []}) for step in whole.steps]
    poorer = whole.model_copy(update=changes)
    assert part in guides.missing_parts(guides.GuideFiles(poorer, {"vi": poorer}), set(), set())
    assert part not in guides.missing_parts(guides.GuideFiles(whole, {"vi": whole}), set(), set())


def test_a_translation_that_was_only_copied_is_found(tmp_path: Path) -> None:
    """A Vietnamese text under an English name would fool the reader."""
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    original = guides.parse((tmp_path / "vssid.vi.md").read_text(encoding="utf-8"))
    english = guides.parse((tmp_path / "vssid.en.md").read_text(encoding="utf-8"))
    copied = english.model_copy(update={"summary": original.summary, "steps": original.steps})
    (tmp_path / "vssid.en.md").write_text(guides.as_text(copied), encoding="utf-8")
    (tmp_path / "scams.en.md").unlink()
    _number, problems = imports.check(tmp_path)
    assert "vssid: en: the translation of summary is missing" in problems
    assert "vssid: en: the translation of step 1 is missing" in problems
    assert "scams: its en file is missing" in problems


def test_a_guide_is_verified_only_by_a_verified_source() -> None:
    """A day of checking without anything that was checked is a claim nobody can follow."""
    whole = guides.parse((SHIPPED / "no-otp.vi.md").read_text(encoding="utf-8"))
    assert isinstance(whole, shapes.Original)
    doubtful = {key: source.model_copy(update={"verified_on": None}) for key, source in whole.sources.items()}
    claimed = whole.model_copy(update={"verified_on": "2026-11", "sources": doubtful})
    found = guides.missing_parts(guides.GuideFiles(claimed, {"vi": claimed}), set(), set())
    assert "a verified source behind verified_on" in found


def test_links_lead_to_the_readers_language_and_never_to_strangers() -> None:
    """guide: and procedure: links become pages; only gov.vn is linked outside; nothing can run."""
    text = (
        "[a](guide:vssid) [b](procedure:1.001193) [c](https://dichvucong.gov.vn/x) [d](https://gov.vn.evil.com) "
        "[e](javascript:alert(1)) <img src=x onerror=alert(1)> [f](//evil.com) [g](http://dichvucong.gov.vn)"
    )
    html = str(markdown.inline(text, "ur"))
    assert 'href="/ur/guides/vssid"' in html
    assert 'href="/ur/procedures/1.001193"' in html
    assert 'href="https://dichvucong.gov.vn/x"' in html
    assert html.count("href=") == 3
    assert "<img" not in html
    assert "https://dichvucong" not in str(markdown.inline(text, "vi", outside=False))

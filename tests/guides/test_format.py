"""Guides as files: what is read, what is refused, what the check finds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flask import Flask

from guidance.config import PROJECT
from guidance.guides import format as guides
from guidance.guides import imports, markdown

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

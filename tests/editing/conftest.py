"""A small site with real starter texts, and two editors."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from guidance import pagecache
from guidance.catalogue import starter
from guidance.config import PROJECT
from guidance.guides import imports as guides
from tests.conftest import Visitor, staff_of
from tests.desk.conftest import FreshClient

CONTENT = PROJECT / "guidance" / "content"
PROCEDURES = ("1.001193", "3.000722", "1.000689", "1.004884", "1.004772", "2.000635", "1.004222", "1.014062")
GUIDES = ("vneid-locked", "vneid-forgotten-password", "vneid-lock-unlock", "vneid-lost-phone", "scams")


def furnish(folder: Path) -> None:
    """Load a few starter procedures and guides."""
    for name, keys, pattern in (("procedures", PROCEDURES, "{}.yaml"), ("guides", GUIDES, "{}.??.md")):
        (folder / name).mkdir(parents=True)
        for key in keys:
            for path in (CONTENT / name).glob(pattern.format(key)):
                shutil.copy(path, folder / name)
    starter.load_starters(folder / "procedures")
    guides.load(folder / "guides")


@pytest.fixture
def content(either_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder whose starter content the site holds; citizens read what is published at once, not a second later."""
    monkeypatch.setattr(pagecache, "SECONDS_BETWEEN_LOOKS", 0.0)
    either_app.test_client_class = FreshClient
    furnish(tmp_path / "content")
    return tmp_path / "content"


@pytest.fixture
def editor(either_app: Flask, content: Path) -> Visitor:
    """An editor."""
    return staff_of(either_app, "an", "editor")


@pytest.fixture
def colleague(either_app: Flask, content: Path) -> Visitor:
    """Another editor."""
    return staff_of(either_app, "binh", "editor")


def words(answer: TestResponse) -> str:
    """What a person reads on a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def form_on(answer: TestResponse) -> dict[str, Any]:
    """The fields of the page's largest form as a browser would send them, unchanged."""
    page = answer.get_data(as_text=True)
    form = max(re.findall(r"<form[^>]*>.*?</form>", page, re.S), key=len)
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        said = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        name, kind = said.get("name"), said.get("type", "text")
        if (
            not name
            or kind in {"submit", "file"}
            or (kind in {"checkbox", "radio"} and " checked" not in tag)
        ):
            continue
        found.setdefault(name, []).append(unescape(said.get("value", "on")))
    for tag, inner in re.findall(r"(<textarea[^>]*>)(.*?)</textarea>", form, re.S):
        found[re.search(r'name="([^"]*)"', tag)[1]] = unescape(inner).removeprefix("\r\n").removeprefix("\n")  # type: ignore[index]  # the page has it, or the test fails here
    for tag, inner in re.findall(r"(<select[^>]*>)(.*?)</select>", form, re.S):
        chosen = re.search(r'<option[^>]* selected[^>]* value="([^"]*)"', inner) or re.search(
            r'<option selected value="([^"]*)"', inner
        )
        first = re.search(r'<option value="([^"]*)"', inner)
        found[re.search(r'name="([^"]*)"', tag)[1]] = (chosen or first)[1] if chosen or first else ""  # type: ignore[index]  # the page has it, or the test fails here
    return {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in found.items()
    }


def after(person: Visitor, answer: TestResponse) -> TestResponse:
    """The page that a change leads to."""
    assert answer.status_code == 303, words(answer)
    return person.get(answer.headers["Location"])

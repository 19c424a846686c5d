"""Every word of the site is there in every language, and none is a guess."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from guidance.config import PROJECT

LANGUAGES = ("vi", "ur")  # English is the language of the messages themselves


@cache
def words_of_the_site() -> dict[str, Any]:
    """Every message in code and templates, with its plural where it has one."""
    found: dict[str, Any] = {}
    for _file, _line, message, _comments, _context in extract_from_dir(
        PROJECT,
        method_map=[("guidance/**.py", "python"), ("templates/**.html", "jinja2")],
        keywords={"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)},
        directory_filter=lambda path: (
            not any(
                part.startswith(".") or part in {"instance", "tests", "node_modules"}
                for part in str(path).split("/")
            )
        ),
    ):
        found[message if isinstance(message, str) else message[0]] = message
    return found


def catalogue(lang: str) -> Catalog:
    """The translations of one language."""
    with (PROJECT / "translations" / lang / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_message_is_translated_and_none_is_fuzzy(lang: str) -> None:
    """A reader never meets a word of another language by accident."""
    known = catalogue(lang)
    missing = []
    for message in words_of_the_site():
        entry = known.get(message)
        texts = (
            entry.string
            if entry and isinstance(entry.string, list | tuple)
            else [entry.string if entry else ""]
        )
        if entry is None or entry.fuzzy or not all(texts):
            missing.append(message)
    assert missing == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_placeholders_survive_translation(lang: str) -> None:
    """A sentence keeps the numbers and names that are put into it."""
    known = catalogue(lang)
    broken = []
    for message in words_of_the_site():
        entry = known.get(message)
        if entry is None or "%(" not in message:
            continue
        texts = entry.string if isinstance(entry.string, list | tuple) else [entry.string]
        broken += [text for text in texts if _names(text) - _names(message)]
    assert broken == []


def _names(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_translation_is_left_over(lang: str) -> None:
    """What the site no longer says is not kept."""
    assert [
        entry.id for entry in catalogue(lang) if entry.id and _key(entry.id) not in words_of_the_site()
    ] == []


def _key(message: Any) -> str:
    return message if isinstance(message, str) else message[0]

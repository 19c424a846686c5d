"""Everybody can use every page: axe finds nothing, nothing scrolls sideways, every page can be walked by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.pages import PUBLIC, STAFF

pytestmark = pytest.mark.browser

EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
LANGUAGES = ("vi", "en", "ur")


def violations(page: Page, rules: list[str] = EVERYTHING) -> list[str]:
    """What axe finds on the present page, one line for each element."""
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


def violations_light_and_dark(page: Page, path: str) -> list[str]:
    """What axe finds in three languages; the dark scheme changes colours only, so only they are looked at again."""
    wrong = []
    for language in LANGUAGES:
        page.emulate_media(color_scheme="light")
        page.goto(f"/{language}{path}")
        wrong += [f"{language} light {line}" for line in violations(page)]
        page.emulate_media(color_scheme="dark")
        wrong += [f"{language} dark {line}" for line in violations(page, COLOURS)]
    return wrong


@pytest.mark.parametrize("name", PUBLIC)
def test_axe_finds_nothing_on_a_public_page(open_page: Callable[..., Page], name: str) -> None:
    """In three languages, light and dark."""
    page = open_page(viewport={"width": 1280, "height": 800})
    assert violations_light_and_dark(page, PUBLIC[name]) == []


@pytest.mark.parametrize("name", STAFF)
def test_axe_finds_nothing_on_a_staff_page(staff_page: Page, name: str) -> None:
    """In three languages, light and dark."""
    assert violations_light_and_dark(staff_page, STAFF[name]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_scrolls_sideways_on_a_narrow_screen(
    open_page: Callable[..., Page], staff_state: Any, language: str
) -> None:
    """320 px wide is a phone, or a desktop at 400 % zoom; also with larger text."""
    page = open_page(viewport={"width": 320, "height": 640}, storage_state=staff_state)
    wide = []
    for name, path in (PUBLIC | STAFF).items():
        page.goto(f"/{language}{path}")
        for larger in ("false", "true"):
            page.evaluate(f"document.documentElement.classList.toggle('larger', {larger})")
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > 320:
                wide.append(f"{name} larger={larger}: {width}")
    assert wide == []


REACHABLE = """() => [...document.querySelectorAll(
  'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]'
)].filter(e => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}) && !e.closest('details:not([open]) > :not(summary)')
  && !(e.type === 'radio' && !e.checked)).length"""


@pytest.mark.parametrize("name", ["home", "procedure", "guide", "components", "help", "check"])
def test_every_control_is_reached_by_tab_with_a_visible_focus(
    open_page: Callable[..., Page], name: str
) -> None:
    """Tab visits every control in turn, never gets stuck, and shows where it is."""
    page = open_page(viewport={"width": 1280, "height": 800})
    page.goto(f"/vi{PUBLIC[name]}")
    expected = page.evaluate(REACHABLE)
    page.evaluate("window.seen = new Set()")
    unseen = []
    for _step in range(2 * expected + 10):
        page.keyboard.press("Tab")
        state = page.evaluate(
            """() => {
                const e = document.activeElement;
                if (!e || e === document.body) return null;
                const s = getComputedStyle(e), first = !seen.has(e);
                seen.add(e);
                return {first, outline: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 3, html: e.outerHTML.slice(0, 120)};
            }"""
        )
        if state is None:
            continue  # past the end of the page, on to its beginning
        if not state["first"]:
            break
        if not state["outline"]:
            unseen.append(state["html"])
    assert unseen == []
    assert page.evaluate("seen.size") >= expected

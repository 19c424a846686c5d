"""What everybody meets on every page: keyboard, larger text, languages, search box."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser

OPTIONS = (
    '<li role="option" id="suggestion-1" aria-selected="false" data-url="/vi/about"><span>Khai sinh</span></li>'
    '<li role="option" id="suggestion-2" aria-selected="false" data-url="/vi/privacy"><span>Khai tử</span></li>'
)


def suggest(route: Route) -> None:
    """Answer as /{lang}/suggest does."""
    route.fulfill(body=OPTIONS, content_type="text/html")


def test_a_keyboard_user_skips_to_the_content(page: Page, site: Site) -> None:
    """The first Tab shows a link that jumps over the frame."""
    page.goto("/en/about")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_reader_keeps_the_larger_text_on_the_next_page(page: Page, site: Site) -> None:
    """One press of A+ lasts, and is told to screen readers."""
    page.goto("/vi/about")
    size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    before = page.evaluate(size)
    page.click("[data-larger]")
    assert page.evaluate(size) > before
    page.goto("/vi/privacy")
    assert page.evaluate(size) > before
    expect(page.locator("[data-larger]")).to_have_attribute("aria-pressed", "true")


def test_a_visitor_changes_the_language_and_stays_on_the_page(page: Page, site: Site) -> None:
    """The menu opens by keyboard; the same page appears in the other language and direction."""
    page.goto("/vi/privacy")
    page.locator(".languages summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="اردو").click()
    expect(page).to_have_url(site.url + "/ur/privacy")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")


def test_suggestions_are_chosen_with_the_arrow_keys(page: Page, site: Site) -> None:
    """The combobox pattern: list box, active option, Enter opens it, Escape closes the list."""
    page.route("**/vi/suggest?*", suggest)
    page.goto("/vi/")
    box = page.get_by_role("combobox")
    box.press_sequentially("khai", delay=20)
    options = page.get_by_role("option")
    expect(options).to_have_count(2)
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    box.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "suggestion-2")
    box.press("Escape")
    expect(options).to_have_count(0)
    box.press_sequentially(" t", delay=20)
    expect(options).to_have_count(2)
    box.press("ArrowUp")
    box.press("Enter")
    expect(page).to_have_url(site.url + "/vi/privacy")


def test_a_suggestion_is_chosen_by_touch(open_page: Callable[..., Page], site: Site) -> None:
    """A finger on a suggestion opens its page."""
    page = open_page(has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740})
    page.route("**/vi/suggest?*", suggest)
    page.goto("/vi/")
    page.get_by_role("combobox").press_sequentially("khai")
    page.get_by_role("option", name="Khai sinh").tap()
    expect(page).to_have_url(site.url + "/vi/about")


def test_without_scripts_the_search_box_is_a_plain_form(open_page: Callable[..., Page], site: Site) -> None:
    """No role is promised that nobody plays; Enter asks the search page."""
    page = open_page(java_script_enabled=False)
    page.goto("/vi/")
    box = page.locator("#q")
    assert box.get_attribute("role") is None
    expect(page.locator("[data-larger]")).to_be_hidden()
    box.fill("khai sinh")
    box.press("Enter")
    assert "/vi/search?q=khai" in page.url


def test_when_the_network_is_gone_the_page_says_so(open_page: Callable[..., Page], site: Site) -> None:
    """An htmx request that fails leaves the page and one sentence."""
    page = open_page()
    page.goto("/en/about/components")
    page.route("**/en/about/components?*", lambda route: route.abort())
    page.evaluate(
        """() => {
            const link = document.createElement("button");
            link.id = "ask";
            link.setAttribute("data-hx-get", "/en/about/components?x=1");
            link.setAttribute("data-hx-target", "#ask");
            link.textContent = "ask";
            document.querySelector("main").prepend(link);
            htmx.process(link);
        }"""
    )
    page.click("#ask")
    expect(page.locator("#trouble")).to_contain_text("did not arrive")


def test_ticks_are_remembered_on_the_device(page: Page, site: Site) -> None:
    """What somebody ticked is still ticked after a reload."""
    page.goto("/en/about/components")
    page.get_by_label("Identity card").check()
    page.reload()
    expect(page.get_by_label("Identity card")).to_be_checked()
    expect(page.get_by_label("Form")).not_to_be_checked()


def test_a_mistake_in_a_form_gets_the_focus_and_leads_to_its_field(page: Page, site: Site) -> None:
    """The summary is focused; its link jumps to the field, which names its error."""
    page.goto("/en/sign-in")
    page.click("main button[type=submit]")
    expect(page.locator("#errors")).to_be_focused()
    page.get_by_role("link", name="Enter your sign-in name.").click()
    field = page.get_by_label("Sign-in name")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert field.get_attribute("aria-describedby") == "name-error"

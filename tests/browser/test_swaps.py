"""Parts of a page that refresh themselves: focus, announcement, Back, and still nothing for axe to find."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser


def test_a_filter_refreshes_the_results_only_and_keeps_the_focus(page: Page, site: Site) -> None:
    """The address follows, the number of results is announced, the same link keeps the focus."""
    page.goto("/en/search?q=birth")
    page.evaluate("window.same = true")
    with page.expect_response(lambda answer: "kind=guide" in answer.url):
        page.locator("#results").get_by_role("link", name="Guides").press("Enter")
    expect(page).to_have_url(site.url + "/en/search?q=birth&kind=guide")
    chosen = page.locator("#results").get_by_role("link", name="Guides")
    expect(chosen).to_have_attribute("aria-current", "true")
    expect(chosen).to_be_focused()
    expect(page.locator("#announced")).to_have_text(page.locator("#results-title").inner_text())
    assert page.evaluate("window.same") is True
    assert violations(page) == []


def test_back_brings_the_whole_page_and_the_old_results(page: Page, site: Site) -> None:
    """A fragment kept by the browser must never stand there as a page."""
    page.goto("/vi/search?q=khai sinh")
    first = page.locator("#results-title").inner_text()
    with page.expect_response(lambda answer: "kind=guide" in answer.url):
        page.locator("#results .filter a").nth(2).click()
    expect(page.locator("#results-title")).not_to_have_text(first)
    page.goto("/vi/about")
    page.go_back()
    expect(page.locator("header.top")).to_be_visible()
    expect(page.locator(".filter a[aria-current]").first).to_be_visible()
    assert "kind=guide" in page.url
    page.go_back()
    expect(page.locator("#results-title")).to_have_text(first)
    expect(page.locator("header.top")).to_be_visible()


def test_a_new_search_replaces_the_results_without_a_new_page(page: Page, site: Site) -> None:
    """Enter in the box asks again; an older answer never wins over a newer one."""
    page.goto("/vi/search?q=khai sinh")
    page.evaluate("window.same = true")
    box = page.locator("#q")
    box.fill("khai tử")
    box.press("Enter")
    expect(page.locator("#results .card a").first).to_contain_text("tử")
    assert "khai+t" in page.url or "khai%20t" in page.url
    assert page.evaluate("window.same") is True
    assert violations(page) == []


def test_browsing_pages_through_the_list_moves_the_focus_to_it(page: Page, site: Site) -> None:
    """After "next page" the keyboard goes on inside the list, not at the top of the site."""
    page.goto("/en/procedures/")
    with page.expect_response(lambda answer: "page=2" in answer.url):
        page.get_by_role("link", name="Next page").press("Enter")
    expect(page.get_by_role("link", name="Previous page")).to_be_visible()
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    assert violations(page) == []

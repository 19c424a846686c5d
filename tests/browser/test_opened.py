"""A result that somebody opens is counted by its question, and nothing else is sent."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


def test_opening_a_result_sends_the_question_alone(page: Page, site: Site) -> None:
    """The words go to this site without a cookie; choosing a filter counts nothing."""
    sent = []
    page.context.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.goto("/vi/search?q=khai sinh")
    page.locator("#results .filter a").nth(1).click()
    page.locator("#results .filter a[aria-current]").first.wait_for()
    assert sent == []
    with page.context.expect_event(
        "response", lambda answer: answer.url.endswith("/vi/search/opened")
    ) as told:
        page.locator(".hits a").first.click()
    page.wait_for_load_state()
    assert told.value.status == 204
    assert [request.post_data for request in sent] == ["q=khai+sinh"]
    assert "cookie" not in told.value.request.all_headers()

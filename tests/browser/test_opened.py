"""A result that somebody opens is counted by its question, and nothing else is sent."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from guidance.db import db
from guidance.search.models import SearchCount
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


def opened(site: Site) -> int:
    """How often a result of this question has been opened, as editors see it."""
    with site.app.app_context():
        query = select(func.sum(SearchCount.opened)).where(SearchCount.words == "khai sinh")
        return db.session.scalar(query) or 0


def test_opening_a_result_sends_the_question_alone(page: Page, site: Site) -> None:
    """The words go to this site without a cookie and are counted; choosing a filter counts nothing."""
    sent = []
    page.context.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    before = opened(site)
    page.goto("/vi/search?q=khai sinh")
    procedures = page.locator("#results .filter a").nth(1)
    procedures.click()
    expect(procedures).to_have_attribute("aria-current", "true")
    assert sent == []
    with page.context.expect_event(
        "request", lambda request: request.url.endswith("/vi/search/opened")
    ) as told:
        page.locator(".hits a").first.click()
    page.wait_for_url("**/procedures/**")
    assert [request.post_data for request in sent] == ["q=khai+sinh"]
    assert "cookie" not in told.value.headers
    until = time.monotonic() + 30
    while opened(site) == before:
        assert time.monotonic() < until, "the question was not counted"
        page.wait_for_timeout(100)
    assert opened(site) == before + 1

"""A day at the desk in a real Chromium: by keyboard alone, without network, and on a device that others use too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from guidance.accounts import actions as accounts
from guidance.db import db
from guidance.desk.models import AssistedCase
from tests.browser.conftest import Site
from tests.conftest import PASSWORD
from tests.desk import notes

pytestmark = pytest.mark.browser


@contextmanager
def stored(site: Site, name: str) -> Iterator[Callable[[], list[AssistedCase]]]:
    """The cases that one person has in the database."""
    with site.app.app_context():
        account = accounts.queries.account_named(name)
        assert account is not None
        number = account.id

        def cases() -> list[AssistedCase]:
            db.session.rollback()
            query = select(AssistedCase).where(AssistedCase.account_id == number).order_by(AssistedCase.id)
            return list(db.session.scalars(query))

        yield cases


def sign_in(page: Page, name: str, lang: str = "en") -> None:
    """Sign in through the form, by keyboard."""
    page.goto(f"/{lang}/sign-in?next=/{lang}/desk/%3Fmine%3D1")
    page.locator("main input[name=name]").fill(name)
    page.locator("main input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{lang}/desk/*")
    ready(page)


def ready(page: Page) -> None:
    """Wait until the keys work."""
    expect(page.locator("#desk[data-ready]")).to_be_visible(timeout=15000)


def person(site: Site, name: str) -> str:
    """A fresh account at a desk."""
    with site.app.app_context():
        accounts.create_account(name, ["desk"], None, PASSWORD)
    return name


def ready_for_no_network(page: Page) -> None:
    """Wait until the desk says that it opens without network, as an officer would before leaving for a hamlet."""
    expect(page.locator("#prepared")).to_be_visible(timeout=15000)


def test_a_template_case_takes_two_keys_and_shows_at_once(site: Site, page: Page) -> None:
    """One key fills, one saves; undo takes it back; the whole flow without a mouse."""
    name = person(site, "keys")
    sign_in(page, name)
    with stored(site, name) as cases:
        page.keyboard.press("v")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("Saved")
        assert [(one.topic, one.outcome, one.people) for one in cases()] == [
            ("guide:vneid-activation", "activated", 1)
        ]
        expect(page.locator("#today .case")).to_have_count(1)
        page.keyboard.press("z")
        expect(page.locator("#said")).to_contain_text("Taken back")
        assert cases()[0].voided_at is not None
        expect(page.locator("#today .voided")).to_have_count(1)


def test_a_group_from_blank_by_keyboard_alone(site: Site, page: Page) -> None:
    """Search, choose, five people, save: four actions; then a correction on the case's page."""
    name = person(site, "blank")
    sign_in(page, name)
    with stored(site, name) as cases:
        page.keyboard.press("/")
        page.keyboard.type("khai sinh")
        expect(page.locator("#about-list [role=option]").first).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.locator("#topic-name")).not_to_contain_text("nothing")
        expect(page.locator("#log input[name=outcome]:checked")).to_have_count(1)
        page.keyboard.press("5")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("Saved")
        assert [one.people for one in cases()] == [5]
        page.keyboard.press("r")
        page.keyboard.press("s")
        expect(page.locator("#today .case")).to_have_count(2)
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        link = page.locator("#today .case-tools a", has_text="Correct").first
        link.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/desk/cases/*")
        page.locator("#people").focus()
        page.keyboard.press("Control+a")
        page.keyboard.type("3")
        page.locator("input#why").focus()
        page.keyboard.type("counted again")
        page.keyboard.press("Enter")
        expect(page.locator(".message")).to_contain_text("corrected")
        assert sorted(one.people for one in cases()) == [3, 5]


def test_the_guide_beside_the_log_records_where_people_stop(site: Site, page: Page) -> None:
    """Ticks come along; the last step saves; 'could not go on' names step and reason."""
    name = person(site, "beside")
    sign_in(page, name)
    with stored(site, name) as cases:
        page.keyboard.press("v")
        steps = page.locator("#beside input[name=steps]")
        expect(steps.first).to_be_visible()
        steps.nth(0).check()
        steps.nth(1).check()
        page.locator("#beside summary", has_text="Stuck here?").nth(4).click()
        page.locator("#beside details[open] button[name=stopped]").first.click()
        expect(page.locator("#said")).to_contain_text("Saved")
        [one] = cases()
        assert (one.outcome, one.steps, one.failed_step) == ("stopped", ["1", "2"], "5")
        assert one.reason


def test_a_note_with_a_number_is_stopped_on_the_device(site: Site, page: Page) -> None:
    """Nothing leaves the device; the sentence says what to do."""
    name = person(site, "note")
    sign_in(page, name)
    with stored(site, name) as cases:
        page.keyboard.press("v")
        page.keyboard.press("n")
        page.keyboard.type("gọi 0912 345 678")
        expect(page.locator("#note-warning")).to_contain_text("Leave it out")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("Leave it out")
        assert cases() == []


def test_the_device_judges_notes_as_the_server_does(site: Site, page: Page) -> None:
    """Digits of any script, with any gap between them; amounts, dates and codes of procedures pass."""
    sign_in(page, person(site, "judge"))
    for text in notes.PERSONAL:
        page.locator("#note").fill(text)
        assert page.locator("#note-warning").text_content(), text
    for text in notes.HARMLESS:
        page.locator("#note").fill(text)
        assert not page.locator("#note-warning").text_content(), text


def offline_context(open_page: Callable[..., Page]) -> tuple[Page, BrowserContext]:
    page = open_page()
    return page, page.context


def test_cases_logged_without_network_arrive_once_and_in_order(
    site: Site, open_page: Callable[..., Page]
) -> None:
    """The page opens without network, survives a closed window, and sends when the network is back."""
    name = person(site, "field")
    page, context = offline_context(open_page)
    sign_in(page, name)
    ready_for_no_network(page)
    with stored(site, name) as cases:
        context.set_offline(True)
        page.keyboard.press("v")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("kept on this device")
        expect(page.locator("#waiting")).to_contain_text("1")
        page.close()
        page = context.new_page()
        page.goto("/en/desk/")
        ready(page)
        expect(page.locator("#waiting")).to_contain_text("1")
        page.keyboard.press("k")
        page.keyboard.press("3")
        page.keyboard.press("Enter")
        expect(page.locator("#waiting")).to_contain_text("2")
        page.keyboard.press("/")
        page.keyboard.type("vssid")
        expect(page.locator("#about-list [role=option]").first).to_be_visible()
        assert cases() == []
        context.set_offline(False)
        page.goto("/en/desk/?mine=1")
        expect(page.locator("#today .case")).to_have_count(2)
        expect(page.locator("#waiting")).to_be_hidden()
        assert [(one.topic, one.people) for one in cases()] == [
            ("guide:vneid-activation", 1),
            ("procedure:1.001193", 3),
        ]


def test_the_page_opens_without_network_whatever_became_of_worker_and_window(
    site: Site, open_page: Callable[..., Page]
) -> None:
    """A closed window, a stopped worker, another language, another page of the desk: always a desk that logs."""
    page, context = offline_context(open_page)
    sign_in(page, person(site, "hamlet"))
    ready_for_no_network(page)
    context.set_offline(True)
    for path in ("/en/desk/", "/en/desk/?mine=1", "/vi/desk/", "/en/desk/requests", "/en/sign-in"):
        devtools = context.new_cdp_session(page)
        devtools.send("ServiceWorker.enable")
        devtools.send("ServiceWorker.stopAllWorkers")
        page.close()
        page = context.new_page()
        page.goto(path)
        ready(page)
        expect(page.locator("#templates li").first).to_be_visible()


def test_the_shell_is_kept_although_the_window_closes_at_once(
    site: Site, open_page: Callable[..., Page]
) -> None:
    """The worker finishes what the page has asked it to keep."""
    page, context = offline_context(open_page)
    sign_in(page, person(site, "hasty"))
    page.close()
    page = context.new_page()
    page.goto("/robots.txt")
    held = "async () => Boolean(await caches.match('/en/desk/offline', {ignoreVary: true}))"
    for _ in range(50):
        if page.evaluate(held):
            break
        page.wait_for_timeout(200)
    context.set_offline(True)
    page.goto("/en/desk/")
    ready(page)


def test_a_device_that_never_held_the_desk_says_so_without_network(
    site: Site, open_page: Callable[..., Page]
) -> None:
    """Never the browser's error page: words in three languages, and another try by itself."""
    page, context = offline_context(open_page)
    page.goto("/en/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    context.set_offline(True)
    page.goto("/en/desk/")
    expect(page.locator("h1")).to_have_text("Chưa có mạng")
    expect(page.locator("[lang=en]")).to_contain_text("tries again")


def test_what_waits_is_unreadable_in_the_store(site: Site, open_page: Callable[..., Page]) -> None:
    """The key cannot be taken out; the records are ciphertext; signing out destroys both after a question."""
    name = person(site, "sealed")
    page, context = offline_context(open_page)
    sign_in(page, name)
    ready_for_no_network(page)
    context.set_offline(True)
    page.keyboard.press("v")
    page.keyboard.press("Enter")
    expect(page.locator("#waiting")).to_contain_text("1")
    look = """async () => {
      const db = await new Promise((done) => { const r = indexedDB.open("desk"); r.onsuccess = () => done(r.result); });
      const get = (store) => new Promise((done) => { const r = db.transaction(store).objectStore(store).getAll(); r.onsuccess = () => done(r.result); });
      const key = (await get("key"))[0];
      const exported = await crypto.subtle.exportKey("raw", key).then(() => true, () => false);
      const items = await get("queue");
      const text = items.map((one) => Object.keys(one).join() + new TextDecoder("latin1").decode(one.data)).join();
      db.close();
      return {exported, count: items.length, readable: text.includes("vneid")};
    }"""
    assert page.evaluate(look) == {"exported": False, "count": 1, "readable": False}
    context.route("**/api/v1/cases**", lambda route: route.abort())
    context.set_offline(False)
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.locator("form[data-sign-out] button").click()
    page.wait_for_timeout(300)
    assert "not been sent: 1" in asked[0]
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("form[data-sign-out] button").click()
    page.wait_for_url("**/sign-in")
    assert "desk" not in page.evaluate("async () => (await indexedDB.databases()).map((one) => one.name)")


def test_a_session_that_ended_meanwhile_loses_nothing(site: Site, open_page: Callable[..., Page]) -> None:
    """A colleague on the same device sends only their own; the owner's case goes when the owner is back."""
    first, second = person(site, "owner"), person(site, "colleague")
    page, context = offline_context(open_page)
    sign_in(page, first)
    with stored(site, first) as cases, stored(site, second) as others:
        context.clear_cookies()
        page.keyboard.press("v")
        page.keyboard.press("Enter")
        expect(page.locator("#waiting a")).to_have_text("Sign in again, then they are sent.")
        sign_in(page, second)
        expect(page.locator("#waiting")).to_contain_text("colleague")
        page.keyboard.press("h")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("Saved")
        assert len(others()) == 1 and cases() == []
        context.clear_cookies()
        sign_in(page, first)
        expect(page.locator("#waiting")).to_be_hidden()
        assert len(cases()) == 1


def test_an_answer_lost_on_the_way_is_not_stored_twice(site: Site, open_page: Callable[..., Page]) -> None:
    """The server stores, the answer never arrives: the device sends again and the server recognises it."""
    name = person(site, "lost")
    page, context = offline_context(open_page)
    sign_in(page, name)
    lost: list[int] = []

    def lose(route: Any) -> None:
        if len(lost) < 2:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    context.route("**/api/v1/cases?**", lose)
    with stored(site, name) as cases:
        page.keyboard.press("v")
        page.keyboard.press("Enter")
        expect(page.locator("#waiting")).to_be_visible()
        expect(page.locator("#waiting")).to_be_hidden(timeout=20000)
        assert lost == [201, 200]
        assert len(cases()) == 1

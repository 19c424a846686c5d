"""Guides in a real browser: ticks, listening, paper, no network, the touch screen of the hall."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser
GUIDE = "/vi/guides/vneid-level-2"


def pages_of(pdf: bytes) -> int:
    """How many sheets of paper a PDF is."""
    return len(re.findall(rb"/Type\s*/Page[^s]", pdf))


def test_ticks_stay_on_the_device_and_only_there(page: Page, site: Site) -> None:
    """Whoever comes back tomorrow sees how far they were; the server is told nothing."""
    asked: list[str] = []
    page.goto(GUIDE)
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#step-2 .tick input").check()
    page.locator(".ticks input").first.check()
    assert [address for address in asked if "/static/" not in address] == []
    page.reload()
    expect(page.locator("#step-2 .tick input")).to_be_checked()
    expect(page.locator("#step-1 .tick input")).not_to_be_checked()
    expect(page.locator(".ticks input").first).to_be_checked()
    assert page.context.cookies() == []


def test_a_step_can_be_heard_in_its_own_language(page: Page) -> None:
    """Somebody who cannot read the step hears it, troubles and warning included, and can stop it."""
    page.add_init_script(
        "window.heard = []; window.speechSynthesis.speak = (said) => heard.push([said.text, said.lang]);"
    )
    page.goto(GUIDE)
    button = page.locator("#step-1 .listen")
    button.click()
    heard = page.evaluate("heard")
    assert heard[0] == ["Kiểm tra SIM có đúng tên bạn không", "vi-VN"]
    assert any("1414" in text for text, _lang in heard)
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(
    "path",
    [
        "/vi/guides/vneid-level-2/print",
        "/vi/guides/vneid-level-2/print?with=en",
        "/ur/guides/vssid/print",
        "/vi/procedures/1.001193/print",
        "/en/procedures/1.004222/print",
    ],
)
def test_a_leaflet_fits_on_one_sheet_of_two_pages(page: Page, path: str) -> None:
    """The counter prints both sides of one sheet of A4."""
    page.goto(path)
    assert 1 <= pages_of(page.pdf(prefer_css_page_size=True)) <= 2


def wait_until_kept(page: Page, path: str) -> None:
    """Wait for the service worker to have kept an address."""
    script = """async (path) => { for (const name of await caches.keys())
        if (await (await caches.open(name)).match(path, {ignoreVary: true})) return true; return false; }"""
    until = time.monotonic() + 60
    while not page.evaluate(script, path):
        assert time.monotonic() < until, f"{path} was not kept"
        page.wait_for_timeout(200)


def test_guides_and_the_last_procedures_can_be_read_without_network(open_page: Callable[..., Page]) -> None:
    """In a village without a signal the guide opens, says how old it is, and a page not kept leads to those kept."""
    page = open_page()
    page.goto("/vi/procedures/1.001193")
    page.evaluate("navigator.serviceWorker.ready")
    wait_until_kept(page, "/vi/procedures/1.001193")
    wait_until_kept(page, "/vi/guides/kept.json")
    page.context.set_offline(True)
    page.goto("/vi/procedures/1.001193")
    expect(page.locator("h1")).to_have_text("Khai sinh cho con")
    expect(page.locator(".kept")).to_contain_text("Bạn đang không có mạng")
    page.goto("/vi/guides/vssid-login-vneid")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".kept")).to_contain_text(str(time.localtime().tm_year))
    assert page.evaluate("getComputedStyle(document.querySelector('.steps')).listStyleType") == "none"
    page.goto("/vi/guides/vssid-login-vneid/print")
    expect(page.locator("article")).to_be_visible()
    page.goto("/vi/procedures/1.004222")
    expect(page.locator(".kept")).to_contain_text("chưa được lưu")
    assert page.locator('main a[href^="/vi/guides/"]').count() >= 40
    page.context.set_offline(False)
    page.goto("/vi/guides/vssid-login-vneid")
    expect(page.locator(".kept")).to_have_count(0)


def test_a_first_visitor_reads_on_while_the_guides_are_being_kept(open_page: Callable[..., Page]) -> None:
    """The next page opens at once; it does not wait until a hundred guides have come over a slow line."""
    page = open_page()
    page.goto("/vi/guides/vssid")
    page.evaluate("navigator.serviceWorker.ready")
    page.goto("/vi/about")
    kept = "async () => Boolean(await (await caches.open('about-1')).match('/vi/guides/kept.json'))"
    assert not page.evaluate(kept)
    page.goto("/vi/guides/vneid-level-2")
    wait_until_kept(page, "/vi/guides/kept.json")


def test_staff_pages_are_never_kept(staff_page: Page) -> None:
    """What a clerk sees does not stay on the device."""
    staff_page.goto("/vi/guides/")
    staff_page.evaluate("navigator.serviceWorker.ready")
    wait_until_kept(staff_page, "/vi/guides/")
    for path in ("/vi/desk/", "/vi/admin/", "/vi/account", "/vi/sign-in", "/vi/help"):
        staff_page.goto(path)
    kept = staff_page.evaluate(
        """async () => { const found = []; for (const name of await caches.keys())
        for (const key of await (await caches.open(name)).keys()) found.push(new URL(key.url).pathname); return found; }"""
    )
    assert kept
    private = re.compile(r"^/[a-z]{2}/(desk|admin|account|sign-in|reports|editing|help)")
    empty_shell = re.compile(r"^/[a-z]{2}/desk/offline$")  # holds no data; the desk's own tests look after it
    assert [path for path in kept if private.match(path) and not empty_shell.match(path)] == []


def test_the_hall_screen_forgets_the_last_visitor(open_page: Callable[..., Page], site: Site) -> None:
    """After 90 idle seconds the screen is at the start again; Back shows nothing of what was read."""
    page = open_page(viewport={"width": 1080, "height": 1400}, has_touch=True)
    page.clock.install()
    page.goto("/vi/hall/")
    page.evaluate("localStorage.setItem('ticks:guide-vssid', '[\"1\"]')")
    page.get_by_role("link", name="English").click()
    page.wait_for_url("**/en/hall/")
    page.get_by_role("link", name="VNeID, the electronic identity").click()
    page.get_by_role("link", name="Get a VNeID level-2 account").click()
    page.wait_for_url("**/hall/guides/vneid-level-2")
    page.clock.fast_forward(76_000)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="I am still here").click()
    page.clock.fast_forward(60_000)
    assert page.url.endswith("/hall/guides/vneid-level-2")
    page.clock.fast_forward(31_000)
    page.wait_for_url("**/vi/hall/")
    assert page.evaluate("localStorage.getItem('ticks:guide-vssid')") is None
    assert page.evaluate("history.length") <= 2
    sizes = page.evaluate(
        "[...document.querySelectorAll('main .card, header a')].map((part) => part.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 44

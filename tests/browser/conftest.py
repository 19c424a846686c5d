"""The real site with its starter content, served to a real Chromium."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from werkzeug.serving import make_server

from guidance import start
from guidance.accounts import actions
from guidance.accounts.models import ROLES
from guidance.app import create_app
from tests.conftest import PASSWORD, migrate, settings_for

CHROMIUM = "/usr/bin/chromium"
STAFF = "thu"


@dataclass(frozen=True)
class Site:
    """A running site: its address, and the application behind it."""

    url: str
    app: Flask


def with_starter_content(folder: Path, port: int) -> Flask:
    """A migrated site that holds what is shipped, and one person with every role."""
    address = f"127.0.0.1:{port}"
    app = create_app(settings_for(folder, bind=address, site_url=f"http://{address}"))
    migrate(app)
    start.compress_static()  # as the start command does; an old packed file would hide a new one
    loaded = app.test_cli_runner().invoke(args=["content", "load"])
    assert loaded.exit_code == 0, loaded.output
    with app.app_context():
        actions.create_account(STAFF, ROLES, None, PASSWORD)
    return app


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site with its starter content; one for all browser tests, so change nothing that others read."""
    server = make_server("127.0.0.1", 0, lambda _environ, _start: [], threaded=True)
    app = with_starter_content(tmp_path_factory.mktemp("site"), server.port)
    server.app = app
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.port}", app)
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def running_playwright() -> Iterator[Playwright]:
    """Playwright, once."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(running_playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, or the one Playwright brought along."""
    path = CHROMIUM if Path(CHROMIUM).exists() else None
    browser = running_playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture
def open_page(chromium: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Opens a fresh browser window; options are those of a Playwright context (viewport, color_scheme, …)."""
    contexts = []

    def open_one(**options: Any) -> Page:
        context = chromium.new_context(base_url=site.url, **options)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Iterator[Page]:
    """A browser window; the test fails when a page complains (a script error, a refused style, a missing file)."""
    window = open_page()
    complaints: list[str] = []
    window.on(
        "console",
        lambda said: (
            complaints.append(said.text)
            if said.type == "error" and "(UNPROCESSABLE ENTITY)" not in said.text  # a form shown again
            else None
        ),
    )
    window.on("pageerror", lambda error: complaints.append(str(error)))
    yield window
    assert complaints == []


@pytest.fixture(scope="session")
def staff_state(chromium: Browser, site: Site) -> Any:
    """The cookie of a signed-in person with every role."""
    context = chromium.new_context(base_url=site.url)
    window = context.new_page()
    window.goto("/en/sign-in")
    window.fill("main input[name=name]", STAFF)
    window.fill("main input[name=password]", PASSWORD)
    window.click("main button[type=submit]")
    window.wait_for_url(lambda url: not url.endswith("/sign-in"))
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def staff_page(open_page: Callable[..., Page], staff_state: Any) -> Page:
    """A browser window of a signed-in person with every role."""
    return open_page(storage_state=staff_state)

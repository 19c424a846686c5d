"""Pictures of the main pages, to look at: `.venv/bin/python -m tests.bench.screenshots [PAGE …] [--all]`.

Ten main pages at 360, 768 and 1280 px, light and dark, in three languages, into screenshots/ (ignored by git).
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

from guidance.config import PROJECT
from tests.browser.conftest import CHROMIUM, STAFF, with_starter_content
from tests.browser.pages import PUBLIC, TEN_MAIN
from tests.browser.pages import STAFF as STAFF_PAGES
from tests.conftest import PASSWORD

WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")
LANGUAGES = ("vi", "en", "ur")


def staff_state(browser: Browser, url: str) -> dict[str, object]:
    """The cookie of somebody with every role."""
    page = browser.new_page(base_url=url)
    page.goto("/en/sign-in")
    page.fill("main input[name=name]", STAFF)
    page.fill("main input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    return dict(page.context.storage_state())


def take(browser: Browser, url: str, names: list[str], folder: Path) -> int:
    """Photograph the pages; how many pictures were taken."""
    everything = PUBLIC | STAFF_PAGES
    state = staff_state(browser, url)
    taken = 0
    for width in WIDTHS:
        for scheme in SCHEMES:
            context = browser.new_context(
                base_url=url,
                viewport={"width": width, "height": 800},
                color_scheme=scheme,  # type: ignore[arg-type] # one of Playwright's two words
                storage_state=state,  # type: ignore[arg-type] # as Playwright handed it out
            )
            page = context.new_page()
            for name in names:
                for language in LANGUAGES:
                    page.goto(f"/{language}{everything[name]}")
                    file = f"{name.replace(' ', '-')}_{width}_{scheme}_{language}.png"
                    page.screenshot(path=folder / file, full_page=True)
                    taken += 1
            context.close()
    return taken


def main() -> None:
    """Start the site, take the pictures, say where they are."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("pages", nargs="*", help=f"of: {', '.join((*PUBLIC, *STAFF_PAGES))}")
    words.add_argument("--all", action="store_true", help="every page instead of the ten main ones")
    chosen = words.parse_args()
    names = chosen.pages or (list(PUBLIC | STAFF_PAGES) if chosen.all else list(TEN_MAIN))
    folder = PROJECT / "screenshots"
    folder.mkdir(exist_ok=True)
    server = make_server("127.0.0.1", 0, lambda _environ, _start: [], threaded=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        server.app = with_starter_content(Path(data), server.port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = CHROMIUM if Path(CHROMIUM).exists() else None
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        taken = take(browser, f"http://127.0.0.1:{server.port}", names, folder)
        browser.close()
        server.shutdown()
    print(f"{taken} pictures in {folder}")


if __name__ == "__main__":
    main()

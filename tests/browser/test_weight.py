"""Pages stay small: somebody reads them on a slow network. Compressed sizes, first visit."""

from __future__ import annotations

import re

import brotli
import pytest

from guidance.config import PROJECT
from tests.browser.conftest import Site
from tests.browser.pages import PUBLIC

pytestmark = pytest.mark.browser

KILOBYTE = 1000
HTML, CSS, SCRIPTS, ALL = 12 * KILOBYTE, 10 * KILOBYTE, 18 * KILOBYTE, 45 * KILOBYTE


def compressed(content: bytes) -> int:
    """Bytes on the wire."""
    return len(brotli.compress(content, quality=5))


def test_the_stylesheet_and_the_scripts_stay_small() -> None:
    """One stylesheet, one script of ours, htmx."""
    static = PROJECT / "static"
    assert compressed((static / "site.css").read_bytes()) <= CSS
    scripts = [static / "site.js", static / "vendor" / "htmx.min.js"]
    assert sum(compressed(script.read_bytes()) for script in scripts) <= SCRIPTS


@pytest.mark.parametrize("language", ["vi", "en", "ur"])
@pytest.mark.parametrize("name", sorted(set(PUBLIC) - {"components"}))  # shown while building only
def test_a_public_page_stays_small(site: Site, name: str, language: str) -> None:
    """The page itself, and everything a first visit loads with it; nothing from elsewhere."""
    client = site.app.test_client()
    page = client.get(f"/{language}{PUBLIC[name]}")
    text = page.get_data(as_text=True)
    weight = compressed(page.data)
    assert weight <= HTML
    head = text.partition("<body")[0]
    loaded = re.findall(r'<(?:script|img)[^>]* src="([^"]+)"', text) + re.findall(
        r'<link rel="(?:stylesheet|icon)" href="([^"]+)"', head
    )
    assert [address for address in loaded if not address.startswith("/static/")] == []
    total = weight + sum(compressed(client.get(address).data) for address in loaded)
    assert total <= ALL

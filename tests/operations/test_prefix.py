"""A province puts the site under a path of its own portal, behind a proxy."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from guidance.app import create_app
from guidance.starter import load_content
from tests.conftest import PASSWORD, settings_for, staff_of, visitor_of


def test_every_address_stays_under_the_prefix(tmp_path: Path, migrated_sqlite: Path) -> None:
    """Pages, files, redirects, sign-in and JSON work, whether or not the proxy takes the prefix off."""
    shutil.copy(migrated_sqlite, tmp_path / "guidance.sqlite")
    site = create_app(settings_for(tmp_path, site_url="https://tinh.example.vn/huong-dan"))
    with site.app_context():
        load_content()
    browser = visitor_of(site).client
    for path in ("/huong-dan/vi/", "/vi/", "/huong-dan/vi/procedures/1.001193", "/huong-dan/en/guides/vssid",
                 "/huong-dan/ur/search?q=birth", "/huong-dan/vi/sign-in", "/huong-dan/vi/guides/vssid/print"):  # fmt: skip
        answer = browser.get(path)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200, path
        stray = re.findall(r'(?:href|src|action|data-hx-\w+)="(/(?!huong-dan/)[^"]*)"', page)
        assert stray == [], path
        assert "/huong-dan/huong-dan/" not in page
    style = re.search(
        r'href="(/huong-dan/static/site\.css[^"]*)"', browser.get("/vi/").get_data(as_text=True)
    )
    assert style and browser.get(style[1]).status_code == 200
    assert browser.get("/huong-dan/").headers["Location"].startswith("/huong-dan/vi/")
    found = browser.get("/huong-dan/api/v1/search?q=khai+sinh&lang=vi").get_json()
    assert found["results"][0]["url"].startswith(("/huong-dan/vi/", "https://tinh.example.vn/huong-dan/vi/"))
    person = staff_of(site, "an", "admin")
    assert person.sign_in("an", PASSWORD).headers["Location"].startswith("/huong-dan/")
    assert person.get("/huong-dan/en/admin/").status_code == 200

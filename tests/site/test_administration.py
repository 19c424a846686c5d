"""Administrators and their own account pages, with a browser that runs no scripts."""

from __future__ import annotations

import re

from flask import Flask

from tests.conftest import PASSWORD, staff_of, visitor_of


def test_an_administrator_creates_an_account_and_hands_over_its_password_once(app: Flask) -> None:
    """The one-time password works once and must be changed at the first sign-in."""
    admin = staff_of(app, "admin", "admin")
    page = admin.post("/en/admin/accounts/new", {"name": "lan", "roles": ["desk"], "display_name": "Lan"})
    found = re.search(r'class="secret-line"><code>([^<]+)</code>', page.get_data(as_text=True))
    assert found
    lan = visitor_of(app)
    assert lan.sign_in("lan", found.group(1)).status_code == 303
    first = lan.get("/en/account", follow_redirects=True).get_data(as_text=True)
    assert "Your present password works only once." in first


def test_a_mistake_is_named_at_the_top_and_beside_the_field(app: Flask) -> None:
    """422, a summary with links, the error tied to its field, what was typed is kept."""
    admin = staff_of(app, "admin", "admin")
    page = admin.post("/en/admin/accounts/new", {"name": "", "display_name": "Lan"})
    html = page.get_data(as_text=True)
    assert page.status_code == 422
    assert '<a href="#name">An account needs a sign-in name.</a>' in html
    assert '<a href="#roles-0">Choose at least one role.</a>' in html
    assert 'aria-describedby="name-hint name-error"' in html
    assert 'value="Lan"' in html


def test_the_navigation_shows_only_what_a_person_may_open(app: Flask) -> None:
    """Somebody at a desk sees no administration."""
    html = staff_of(app, "hoa", "desk").get("/en/account").get_data(as_text=True)
    assert 'href="/en/desk/"' in html
    assert 'href="/en/admin/"' not in html


def test_the_audit_log_shows_who_created_whom(app: Flask) -> None:
    """Newest first, filtered by a click on the action."""
    admin = staff_of(app, "admin", "admin")
    admin.post("/en/admin/accounts/new", {"name": "lan", "roles": ["desk"]})
    html = admin.get("/en/admin/audit").get_data(as_text=True)
    assert "admin" in html
    assert re.search(r'href="/en/admin/audit\?action=[\w.]+"', html)


def test_where_no_session_can_be_kept_the_page_says_so_and_shows_no_form(app: Flask) -> None:
    """Over plain http to another machine the browser would drop the cookie."""
    page = app.test_client().get("/en/sign-in", base_url="http://site.example")
    html = page.get_data(as_text=True)
    assert "Signing in is not possible at this address" in html
    assert 'type="password"' not in html


def test_somebody_sets_up_the_second_step_with_a_picture_or_a_key(app: Flask) -> None:
    """The QR code is an inline drawing; the key stands beside it."""
    html = staff_of(app, "bich", "editor").get("/en/account/second-step").get_data(as_text=True)
    assert '<div class="qr" role="img"' in html
    assert re.search(r'<code class="secret">[A-Z2-7]{16,}</code>', html)
    assert PASSWORD not in html

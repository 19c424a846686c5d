"""What machines ask the site for: manifest, robots, security contact, search description, health."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask

from guidance.app import create_app
from tests.conftest import Visitor, migrate, settings_for, visitor_of


def test_a_browser_is_sent_to_its_best_language(visitor: Visitor) -> None:
    """Accept-Language decides; Vietnamese when nothing fits."""
    assert visitor.get("/", headers={"Accept-Language": "ur, en;q=0.5"}).location == "/ur/"
    assert visitor.get("/", headers={"Accept-Language": "fr"}).location == "/vi/"


def test_a_phone_can_put_the_site_on_its_home_screen(visitor: Visitor) -> None:
    """The manifest is valid JSON whose icons exist."""
    answer = visitor.get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    assert answer.json is not None
    assert answer.json["start_url"] == "/vi/"
    for icon in answer.json["icons"]:
        assert visitor.get(icon["src"]).status_code == 200


def test_search_engines_leave_staff_pages_alone(visitor: Visitor) -> None:
    """robots.txt names them and the map of the site."""
    lines = visitor.get("/robots.txt").get_data(as_text=True).splitlines()
    assert "Disallow: /vi/desk/" in lines
    assert "Disallow: /vi/procedures/" not in lines
    assert any(line.startswith("Sitemap: http") for line in lines)


@pytest.mark.parametrize(
    ("contact", "line"),
    [
        ("help@example.gov.vn", "Contact: mailto:help@example.gov.vn"),
        ("0210 1234", "Contact: tel:02101234"),
        ("", "Contact: http://127.0.0.1:8000/vi/about"),
    ],
)
def test_a_finder_of_a_hole_learns_whom_to_tell(tmp_path: Path, contact: str, line: str) -> None:
    """security.txt holds a contact address and a day it expires on."""
    site = create_app(settings_for(tmp_path, contact=contact))
    text = visitor_of(site).get("/.well-known/security.txt").get_data(as_text=True)
    assert line in text.splitlines()
    assert "Expires: 20" in text


def test_a_browser_can_search_here_from_its_address_bar(visitor: Visitor) -> None:
    """The description is well-formed XML with the search address."""
    tree = ElementTree.fromstring(visitor.get("/opensearch.xml").data)  # noqa: S314 -- our own answer
    address = tree.find("{http://a9.com/-/spec/opensearch/1.1/}Url")
    assert address is not None
    assert address.get("template") == "http://127.0.0.1:8000/vi/search?q={searchTerms}"


def test_the_page_of_components_is_for_building_only(tmp_path: Path, app: Flask) -> None:
    """Visitors of a real site get a 404."""
    assert app.test_client().get("/en/about/components").status_code == 200
    site = create_app(settings_for(tmp_path / "real"))
    migrate(site)
    site.config["SETTINGS"] = site.config["SETTINGS"]._replace(development=False)
    assert site.test_client().get("/en/about/components").status_code == 404


def test_every_page_says_who_runs_the_site_and_that_it_is_not_the_government(tmp_path: Path) -> None:
    """The footer names the operator; transactions are linked to gov.vn only."""
    site = create_app(settings_for(tmp_path, operator="UBND xã Lập Thạch"))
    migrate(site)
    for language in ("vi", "en", "ur"):
        for name in ("about", "privacy", "accessibility"):
            html = visitor_of(site).get(f"/{language}/{name}").get_data(as_text=True)
            footer = html.partition('<footer class="foot">')[2]
            assert "UBND xã Lập Thạch" in footer
            assert 'href="https://dichvucong.gov.vn"' in footer


def test_an_unknown_page_offers_the_search_box_in_the_readers_language(visitor: Visitor) -> None:
    """What happened and what to do next, not only a number."""
    answer = visitor.get("/vi/khong-co")
    assert answer.status_code == 404
    html = answer.get_data(as_text=True)
    assert "Không có trang này." in html
    assert 'action="/vi/search"' in html

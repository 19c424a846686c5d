"""A page that was drawn is shown again by every worker, until something it shows has changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from guidance.app import create_app
from guidance.db import content_changed, db, transaction
from guidance.drawn import fingerprint
from guidance.guides import imports
from tests.catalogue.records import load, record, write
from tests.conftest import settings_for, visitor_of

CODE = "1.001193"
PAGE = f"/vi/procedures/{CODE}"
SLUG = "vssid"
PAGES = (PAGE, f"/ur/procedures/{CODE}", "/vi/", "/en/guides/", f"/vi/guides/{SLUG}", f"/ur/guides/{SLUG}")
_strangers = count()


def furnish(folder: Path) -> None:
    """One guide of those that come with the site; nobody has written it in Urdu."""
    folder.mkdir()
    for lang in ("vi", "en"):
        shutil.copy(imports.FOLDER / f"{SLUG}.{lang}.md", folder)
    imports.load(folder)


@pytest.fixture
def site(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Flask]:
    """One procedure and one guide, which everybody has read once."""
    shutil.copy(migrated_sqlite, tmp_path / "guidance.sqlite")
    made = create_app(settings_for(tmp_path))
    with made.app_context():
        load(made, write(tmp_path / "a.jsonl", record(CODE)))
        furnish(tmp_path / "guides")
    for page in PAGES:
        assert visitor_of(made).get(page).status_code == 200
    yield made
    with made.app_context():
        db.engine.dispose()


def read(site: Flask, page: str = PAGE) -> str:
    """A page as the site answers it past the memory for finished pages."""
    answer = visitor_of(site).get(f"{page}?fbclid={next(_strangers)}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def change(site: Flask, statement: str, told: bool = True, **values: str) -> None:
    """Change what pages show, with or without saying so."""

    @transaction
    def write_it() -> None:
        db.session.execute(text(statement), values)
        if told:
            content_changed()

    with site.app_context():
        write_it()


def rename(site: Flask, name: str, told: bool) -> None:
    """Give the procedure another name."""
    change(site, "UPDATE official_record SET name = :name", told, name=name)


def drawn_files(site: Flask) -> list[Path]:
    """What lies on the disk."""
    return [path for path in (site.config["SETTINGS"].data / "drawn").rglob("*") if path.is_file()]


@pytest.mark.parametrize("page", PAGES)
def test_a_drawn_page_is_the_page(site: Flask, page: str) -> None:
    """Answered by the view or from what was drawn, a reader gets the same, but for their own address in links."""
    visitor = visitor_of(site)
    drawn = visitor.get(f"{page}?fbclid=me")
    for path in drawn_files(site):
        path.unlink()
    fresh = visitor.get(f"{page}?fbclid=me")
    assert drawn.get_data() == fresh.get_data()
    assert dict(drawn.headers, **{"X-Request-Id": ""}) == dict(fresh.headers, **{"X-Request-Id": ""})


def test_another_worker_and_the_next_start_show_what_was_drawn(site: Flask) -> None:
    """Nothing is looked up again while the content says that it is the same."""
    rename(site, "Tên khác", told=False)
    assert "Tên khác" not in read(site)
    assert "Tên khác" not in read(create_app(site.config["SETTINGS"]))


def test_a_change_of_the_content_is_seen_at_once(site: Flask) -> None:
    """The change and the sign of it are one transaction."""
    rename(site, "Tên khác", told=True)
    assert "Tên khác" in read(site)


def test_a_procedure_that_is_gone_is_gone(site: Flask) -> None:
    """What was drawn of it does not outlive it."""
    change(site, "UPDATE procedure SET status = 'draft'")
    assert visitor_of(site).get(f"{PAGE}?fbclid=1").status_code == 404


def test_nothing_of_a_strangers_address_is_drawn_for_others(site: Flask) -> None:
    """Everybody's links repeat their own parameters, also when a stranger was the first to come after a change."""
    rename(site, "Tên khác", told=True)
    stranger = visitor_of(site).get(f"{PAGE}?fbclid=stranger").get_data(as_text=True)
    assert f"/en/procedures/{CODE}?fbclid=stranger" in stranger
    visitor_of(site).get(PAGE)
    mine = visitor_of(site).get(f"{PAGE}?fbclid=mine").get_data(as_text=True)
    assert f"/en/procedures/{CODE}?fbclid=mine" in mine
    assert "stranger" not in mine


def test_a_damaged_file_is_drawn_anew(site: Flask) -> None:
    """Noise on the disk reaches no reader, and the next page drawn takes its place."""
    whole = read(site)
    for path in drawn_files(site):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) - 40] + b"\0" * 40)
    rename(site, "Tên khác", told=False)
    assert "Tên khác" in read(site)
    visitor_of(create_app(site.config["SETTINGS"])).get(PAGE)
    rename(site, "Tên thứ ba", told=False)
    assert "Tên khác" in read(site)
    assert len(whole) > 5000


def test_another_setting_draws_anew(site: Flask, tmp_path: Path) -> None:
    """A new name of the site stands in pages that were drawn under the old one."""
    renamed = create_app(settings_for(tmp_path)._replace(site_name="Cổng của xã"))
    assert "<title>" in read(site)
    assert "Cổng của xã</title>" in read(renamed)


def test_another_release_draws_anew(tmp_path: Path) -> None:
    """Code, templates and sentences are part of what a page is drawn from."""
    template = tmp_path / "page.html"
    template.write_text("<p>old</p>")
    before = fingerprint([template], "settings")
    assert before == fingerprint([template], "settings")
    template.write_text("<p>new</p>")
    assert before != fingerprint([template], "settings")

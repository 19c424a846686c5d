"""Editors name, order, add and hide the moments of life that the home page starts with."""

from __future__ import annotations

from flask import Flask

from guidance import audit
from guidance.catalogue import queries
from tests.conftest import staff_of, visitor_of
from tests.editing.conftest import form_on, words

ADDRESS = "/en/editing/life-events"


def test_an_editor_renames_reorders_and_adds_a_moment_of_life(either_app: Flask) -> None:
    """The home page follows at once; the address of a new one is made from its name and stays."""
    editor, reader = staff_of(either_app, "thu", "editor"), visitor_of(either_app)
    form = form_on(editor.get(ADDRESS))
    number = len(queries.named_life_events())
    form |= {"events-0-vi": "Nhà có em bé", "events-0-en": "A baby in the house", "events-0-position": "3"}
    form |= {f"events-{number}-vi": "Gặp thiên tai", f"events-{number}-en": "After a storm"}
    form |= {f"events-{number}-position": "0", f"events-{number}-shown": "y"}
    assert editor.post(ADDRESS, form).status_code == 303
    slugs = [one.slug for one in queries.life_events("en")]
    assert slugs[0] == "gap-thien-tai" and slugs.index("child") > 0
    home = words(reader.get("/en/"))
    assert "After a storm" in home and "A baby in the house" in home and "Having a child" not in home
    assert "life-events.save" in {line.action for line in audit.latest()}


def test_a_hidden_moment_of_life_leaves_the_home_page_and_can_come_back(either_app: Flask) -> None:
    """Procedures that belong to it stay publishable."""
    editor = staff_of(either_app, "thu", "editor")
    form = form_on(editor.get(ADDRESS))
    del form["events-0-shown"]
    assert editor.post(ADDRESS, form).status_code == 303
    assert "child" not in {one.slug for one in queries.life_events("vi")}
    assert "child" in {one.slug for one in queries.named_life_events()}
    assert editor.post(ADDRESS, form_on(editor.get(ADDRESS)) | {"events-0-shown": "y"}).status_code == 303
    assert "child" in {one.slug for one in queries.life_events("vi")}


def test_two_editors_never_overwrite_each_others_moments_of_life(either_app: Flask) -> None:
    """The second sees both."""
    editor = staff_of(either_app, "thu", "editor")
    opened = form_on(editor.get(ADDRESS))
    assert editor.post(ADDRESS, opened | {"events-0-vi": "Tên một"}).status_code == 303
    second = editor.post(ADDRESS, opened | {"events-0-vi": "Tên hai"})
    assert second.status_code == 409
    assert "một" in words(second) and "hai" in words(second)
    assert editor.post(ADDRESS, form_on(editor.get(ADDRESS)) | {"events-0-vi": ""}).status_code == 422

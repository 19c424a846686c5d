"""Editors change what citizens read about a procedure: draft, review, publication, nothing ever overwritten."""

from __future__ import annotations

import re

from flask import Flask

from guidance import audit
from guidance.catalogue import starter
from tests.conftest import Visitor, staff_of, visitor_of
from tests.editing.conftest import after, form_on, words

BIRTH = "/en/editing/procedures/1.001193"
NEW_NAME = "Làm giấy khai sinh cho bé"


def draft_address(person: Visitor, address: str = f"{BIRTH}/vi", **changes: str) -> str:
    """Save changes to a form as a draft; the address of the draft."""
    form = form_on(person.get(address))
    answer = person.post(address, {**form, **changes, "onward": "yes"})
    assert answer.status_code == 303, words(answer)
    return str(answer.headers["Location"])


def publish(person: Visitor, draft: str) -> None:
    """Publish a draft from its page."""
    revision = re.search(r'name="revision" value="(\d+)"', person.get(draft).get_data(as_text=True))
    answer = person.post(f"{draft}/publish", {"revision": revision[1] if revision else ""})
    assert answer.status_code == 303, words(answer)


def test_an_editor_changes_a_name_and_citizens_read_it_only_after_publication(
    either_app: Flask, editor: Visitor
) -> None:
    """Draft, comparison, preview, publication; one line in the audit log."""
    citizen = visitor_of(either_app)
    draft = draft_address(editor, name=NEW_NAME)
    assert NEW_NAME not in words(citizen.get("/vi/procedures/1.001193"))
    page = words(editor.get(draft))
    assert "Làm giấy khai sinh" in page
    assert "Before it can be published" not in page
    preview = editor.get("/vi/editing/procedures/1.001193/vi/preview")
    assert NEW_NAME in words(preview) and preview.headers["Cache-Control"] == "no-store"
    assert NEW_NAME not in words(citizen.get("/vi/procedures/1.001193"))
    publish(editor, draft)
    assert NEW_NAME in words(citizen.get("/vi/procedures/1.001193"))
    assert NEW_NAME in words(citizen.get("/vi/procedures/?q=khai"))
    assert audit.latest(1)[0].action == "draft.published"


def test_saving_a_form_untouched_changes_nothing_a_citizen_reads(either_app: Flask, editor: Visitor) -> None:
    """The form loses no fact on its way to text and back."""
    citizen = visitor_of(either_app)
    before = {lang: citizen.get(f"/{lang}/procedures/1.001193").get_data() for lang in ("vi", "en", "ur")}
    for code in ("vi", "en", "ur"):
        draft = draft_address(editor, f"{BIRTH}/{code}")
        assert "The draft says the same as what is published." in words(editor.get(draft))
        publish(editor, draft)
    after_it = {lang: citizen.get(f"/{lang}/procedures/1.001193").get_data() for lang in ("vi", "en", "ur")}
    assert after_it == before


def test_two_editors_never_overwrite_each_other_and_the_second_sees_both(
    editor: Visitor, colleague: Visitor
) -> None:
    """The second saving answers 409 with both texts; saving again replaces knowingly."""
    address = f"{BIRTH}/vi"
    first, second = form_on(editor.get(address)), form_on(colleague.get(address))
    assert editor.post(address, {**first, "name": "Tên của An"}).status_code == 303
    answer = colleague.post(address, {**second, "name": "Tên của Bình"})
    assert answer.status_code == 409
    page = words(answer)
    assert "Somebody else changed this while you were writing" in page and "(an)" in page
    assert "Tên của An" in page.replace("  ", " ") and "Bình" in page
    merged = form_on(answer)
    assert merged["name"] == "Tên của Bình"
    assert colleague.post(address, merged).status_code == 303
    assert form_on(editor.get(address))["name"] == "Tên của Bình"


def test_a_draft_begun_from_an_older_text_is_not_published_over_the_new_one(
    either_app: Flask, editor: Visitor, colleague: Visitor
) -> None:
    """Somebody published meanwhile: compare, continue on the new text, then publish."""
    draft = draft_address(editor, f"{BIRTH}/en", name="Birth, by An")
    with either_app.app_context():
        from guidance.catalogue.models import GuidanceText, Procedure
        from guidance.db import db, transaction

        @transaction
        def meanwhile() -> None:
            number = db.session.query(Procedure.id).filter_by(key="1.001193").scalar()
            db.session.query(GuidanceText).filter_by(procedure_id=number, lang="en").update({"name": "Newer"})

        meanwhile()
    refused = editor.post(f"{draft}/publish", {"revision": "1"})
    assert refused.status_code == 409
    assert "published text has changed" in words(refused)
    assert editor.post(f"{draft}/continue", {"revision": "1"}).status_code == 303
    publish(editor, draft)
    assert "Birth, by An" in words(visitor_of(either_app).get("/en/procedures/1.001193"))


def test_missing_sources_and_broken_links_keep_a_text_from_being_published(editor: Visitor) -> None:
    """Every obstacle is a sentence; the draft is kept."""
    draft = draft_address(
        editor,
        who="Ai cũng làm được\nCha mẹ | nguonla",
        related="9.999999",
        mistakes="Quên giấy | mang theo | portal",
    )
    page = words(editor.get(draft))
    assert "“Who it is for”, entry 1, names no source." in page
    assert "The source “nguonla” is named but not listed under Sources." in page
    assert "The link to 9.999999 leads nowhere." in page
    assert "Name at least two common mistakes." in page
    refused = editor.post(f"{draft}/publish", {"revision": "1"})
    assert refused.status_code == 422
    assert editor.get(draft).status_code == 200


def test_lines_that_cannot_be_understood_are_kept_and_named_at_once(editor: Visitor) -> None:
    """Nothing an editor typed is lost, and the form says what is wrong where it is wrong."""
    address = f"{BIRTH}/vi"
    form = form_on(editor.get(address))
    page = words(
        after(
            editor,
            editor.post(address, {**form, "who": "a | b | c", "review_by": "sắp tới", "bring": "Giấy"}),
        )
    )
    assert "This line has more bars than it should: a | b | c" in page
    assert "“sắp tới” is not a date" in page
    assert "Begin with a line such as “# Everyone”" in page
    assert form_on(editor.get(address))["review_by"] == "sắp tới"


def test_a_unit_that_asks_for_it_has_a_second_person_read_before_publication(
    either_app: Flask, editor: Visitor, colleague: Visitor
) -> None:
    """With the setting the author cannot publish; a colleague can, or sends it back with a remark."""
    either_app.config["SETTINGS"] = either_app.config["SETTINGS"]._replace(second_editor=True)
    draft = draft_address(editor, name=NEW_NAME)
    assert editor.post(f"{draft}/send", {"revision": "1"}).status_code == 303
    assert "Waits for review" in words(colleague.get("/en/editing/"))
    assert editor.post(f"{draft}/publish", {"revision": "1"}).status_code == 403
    assert colleague.post(f"{draft}/send-back", {"revision": "1", "remark": "Ngắn hơn"}).status_code == 303
    assert "Ngắn hơn" in words(editor.get(draft))
    assert editor.post(f"{draft}/send", {"revision": "1"}).status_code == 303
    assert colleague.post(f"{draft}/publish", {"revision": "1"}).status_code == 303
    line = audit.latest(1)[0]
    assert (line.action, line.account, line.detail["authors"]) == ("draft.published", "binh", ["an"])


def test_an_earlier_version_can_be_brought_back(either_app: Flask, editor: Visitor) -> None:
    """Versions are kept from the first change on; restoring makes a draft, so that it is reviewed too."""
    citizen = visitor_of(either_app)
    publish(editor, draft_address(editor, name=NEW_NAME))
    page = words(editor.get(f"{BIRTH}/vi/versions"))
    assert "Version 2" in page and "Version 1" in page
    answer = editor.post(f"{BIRTH}/vi/restore", {"number": "1"})
    publish(editor, str(answer.headers["Location"]))
    assert NEW_NAME not in words(citizen.get("/vi/procedures/1.001193"))
    assert "Version 3" in words(editor.get(f"{BIRTH}/vi/versions"))


def test_a_translation_is_called_older_once_the_original_changes(editor: Visitor) -> None:
    """The translator finds it on the list, with the original beside the form."""
    assert "1.001193" not in editor.get("/en/editing/translations?code=en").get_data(as_text=True)
    publish(editor, draft_address(editor, name=NEW_NAME))
    page = editor.get("/en/editing/translations?code=en")
    assert "/en/editing/procedures/1.001193/en" in page.get_data(as_text=True)
    assert "older than the original" in words(page)
    assert NEW_NAME in words(editor.get(f"{BIRTH}/en"))
    publish(editor, draft_address(editor, f"{BIRTH}/en", name="Birth certificate"))
    assert "procedures/1.001193" not in editor.get("/en/editing/translations?code=en").get_data(as_text=True)


def test_a_translation_follows_its_original_entry_by_entry(editor: Visitor) -> None:
    """Marks are taken from the original by position, so the numbers of entries must agree."""
    draft = draft_address(editor, f"{BIRTH}/en", who="Only one line")
    assert "“Who it is for” has 1 entries, the original 2." in words(editor.get(draft))


def test_still_correct_is_one_action(either_app: Flask, editor: Visitor) -> None:
    """Readers see today as the day of the check; what nobody verified stays unverified."""
    from datetime import timedelta

    from guidance.units.queries import today

    answer = editor.post(f"{BIRTH}/confirm", {"next_review": (today() + timedelta(days=200)).isoformat()})
    assert answer.status_code == 303
    page = words(visitor_of(either_app).get("/en/procedures/1.001193"))
    assert f"Checked {today().day} {today():%B %Y}" in page
    assert "Not yet verified" in page
    assert editor.post(f"{BIRTH}/confirm", {"next_review": "2020-01-01"}).status_code == 422
    draft_address(editor, name=NEW_NAME)
    refused = editor.post(f"{BIRTH}/confirm", {"next_review": (today() + timedelta(days=200)).isoformat()})
    assert refused.status_code == 409


def test_a_new_procedure_without_a_code_gets_a_lasting_key_and_stays_hidden_until_published(
    either_app: Flask, editor: Visitor
) -> None:
    """x-… is the address; citizens get 404 until the first publication."""
    citizen = visitor_of(either_app)
    answer = editor.post("/en/editing/procedures/new", {"name": "Xin hỗ trợ sau bão"})
    assert answer.headers["Location"].endswith("/procedures/x-xin-ho-tro-sau-bao/vi")
    assert citizen.get("/vi/procedures/x-xin-ho-tro-sau-bao").status_code == 404
    again = editor.post("/en/editing/procedures/new", {"name": "Xin hỗ trợ sau bão"})
    assert again.status_code == 409
    address = "/en/editing/procedures/x-xin-ho-tro-sau-bao/vi"
    borrowed = form_on(editor.get(f"{BIRTH}/vi"))
    own = form_on(editor.get(address))
    draft = str(
        editor.post(
            address,
            {
                **borrowed,
                "revision": own["revision"],
                "base": own["base"],
                "name": own["name"],
                "onward": "y",
            },
        ).headers["Location"]
    )
    assert "Xin hỗ trợ sau bão" in words(editor.get(f"{address}/preview"))
    publish(editor, draft)
    assert "Xin hỗ trợ sau bão" in words(citizen.get("/vi/procedures/x-xin-ho-tro-sau-bao"))


def test_an_update_offers_its_new_text_beside_an_edited_one(
    either_app: Flask, editor: Visitor, content: object
) -> None:
    """What an editor changed is never overwritten; taking or keeping is a decision."""
    from pathlib import Path

    publish(editor, draft_address(editor, name=NEW_NAME))
    path = Path(str(content)) / "procedures" / "1.001193.yaml"
    path.write_text(path.read_text().replace("name: Khai sinh cho con", "name: Khai sinh kiểu mới", 1))
    with either_app.app_context():
        assert starter.load_starters(path.parent).waiting == 1
    assert "New text that came with the site" in words(editor.get("/en/editing/"))
    assert NEW_NAME in words(visitor_of(either_app).get("/vi/procedures/1.001193"))
    assert editor.get(f"{BIRTH}/shipped").status_code == 200
    assert editor.post(f"{BIRTH}/shipped/keep-ours").status_code == 303
    assert "New text that came with the site" not in words(editor.get("/en/editing/"))
    assert editor.post(f"{BIRTH}/shipped/take").status_code == 303
    assert NEW_NAME not in words(visitor_of(either_app).get("/vi/procedures/1.001193"))


def test_a_draft_can_be_thrown_away(either_app: Flask, editor: Visitor) -> None:
    """What is published stays, the draft's address is gone."""
    draft = draft_address(editor, name=NEW_NAME)
    assert editor.post(f"{draft}/throw-away", {"revision": "1"}).status_code == 303
    assert editor.get(draft).status_code == 404


def test_somebody_without_the_role_cannot_edit(either_app: Flask, content: object) -> None:
    """A desk officer gets 403, the public the sign-in page."""
    officer = staff_of(either_app, "duc", "desk", "manager")
    assert officer.get(f"{BIRTH}/vi").status_code == 403
    assert officer.post(f"{BIRTH}/vi", {"name": "x"}).status_code == 403
    assert "/sign-in" in visitor_of(either_app).get(f"{BIRTH}/vi").headers["Location"]


def test_what_readers_said_reaches_the_editor_beside_the_page(either_app: Flask, editor: Visitor) -> None:
    """Counts and comments stand on the home page and beside the procedure."""
    citizen = visitor_of(either_app)
    answer = citizen.post("/en/useful", {"subject": "procedure:1.001193", "useful": "no"})
    receipt = re.search(r'name="receipt" value="([^"]+)"', answer.get_data(as_text=True))
    assert receipt
    sent = {"subject": "procedure:1.001193", "receipt": receipt[1], "comment": "Không thấy giờ làm việc"}
    assert citizen.post("/en/useful/comment", sent).status_code == 200
    assert "Không thấy giờ làm việc" in words(editor.get("/en/editing/"))
    assert "Không thấy giờ làm việc" in words(editor.get(BIRTH))
    assert "Không thấy giờ làm việc" in words(editor.get("/en/editing/feedback"))


def test_where_record_and_text_disagree_the_editor_has_a_task(either_app: Flask, editor: Visitor) -> None:
    """It stands on the home page and beside the procedure until somebody closes it."""
    with either_app.app_context():
        from guidance.catalogue.layers import open_task
        from guidance.db import transaction

        @transaction
        def disagree() -> None:
            open_task("procedure:1.001193", "strange", "The record has gone.")

        disagree()
    page = editor.get("/en/editing/")
    assert "The record has gone." in words(page) and "The record has gone." in words(editor.get(BIRTH))
    number = re.search(r"/tasks/(\d+)/close", page.get_data(as_text=True))
    assert number and editor.post(f"/en/editing/tasks/{number[1]}/close").status_code == 303
    assert "The record has gone." not in words(editor.get("/en/editing/"))

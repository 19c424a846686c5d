"""Editors write guides as files, and are told at once what is wrong with them."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from guidance.guides import imports as guides
from tests.conftest import Visitor, visitor_of
from tests.editing.conftest import after, form_on, words
from tests.editing.test_procedures import draft_address, publish

LOCKED = "/en/editing/guides/vneid-locked"


def test_an_editor_changes_a_guide_and_citizens_read_it_after_publication(
    either_app: Flask, editor: Visitor
) -> None:
    """Draft, preview, publication, a version kept."""
    citizen = visitor_of(either_app)
    text = form_on(editor.get(f"{LOCKED}/vi"))["body"].replace(
        "Đọc kỹ dòng chữ máy báo", "Đọc thật kỹ dòng chữ"
    )
    draft = draft_address(editor, f"{LOCKED}/vi", body=text)
    assert "Đọc thật kỹ dòng chữ" in words(editor.get("/vi/editing/guides/vneid-locked/vi/preview"))
    assert "Đọc thật kỹ dòng chữ" not in words(citizen.get("/vi/guides/vneid-locked"))
    publish(editor, draft)
    assert "Đọc thật kỹ dòng chữ" in words(citizen.get("/vi/guides/vneid-locked"))
    assert "Version 2" in words(editor.get(f"{LOCKED}/vi/versions"))
    assert "/guides/vneid-locked/en" in editor.get("/en/editing/translations?code=en").get_data(as_text=True)
    restored = editor.post(f"{LOCKED}/vi/restore", {"number": "1"})
    publish(editor, str(restored.headers["Location"]))
    assert "Đọc thật kỹ dòng chữ" not in words(citizen.get("/vi/guides/vneid-locked"))


def test_problems_in_a_guide_are_sentences_and_nothing_typed_is_lost(editor: Visitor) -> None:
    """Unreadable front matter, a missing source, a link out of the country's sites, a renamed slug."""
    address = f"{LOCKED}/vi"
    form = form_on(editor.get(address))
    broken = form["body"].replace("\ntitle: ", "\ntitle ", 1)
    page = after(editor, editor.post(address, {**form, "body": broken}))
    assert "cannot be read near line" in words(page)
    form = form_on(page)
    assert form["body"].strip() == broken.strip()
    right = broken.replace("\ntitle ", "\ntitle: ", 1)
    bad = right.replace("Quên mật khẩu chưa chắc", "[Quên](https://example.com/x) mật khẩu chưa chắc")
    bad = bad.replace("- vneid-lost-phone", "- khong-co").replace("\nreview_by: '2027", "\nreview_by: '2025")
    form = form_on(page := after(editor, editor.post(address, {**form, "body": bad})))
    assert "which is neither a page of this site nor of gov.vn" in words(page)
    assert "The related guide khong-co does not exist." in words(page)
    assert "“review_by” must be later than “verified_on”." in words(page)
    renamed = right.replace("slug: vneid-locked", "slug: other")
    page = after(editor, editor.post(address, {**form, "body": renamed}))
    assert "The lines “slug” and “lang” must stay vneid-locked and vi." in words(page)
    assert editor.get(f"{address}/preview").status_code == 422


def test_two_editors_of_one_guide_both_see_both(editor: Visitor, colleague: Visitor) -> None:
    """The second saving answers 409 with both texts."""
    address = f"{LOCKED}/vi"
    first, second = form_on(editor.get(address)), form_on(colleague.get(address))
    changed = first["body"].replace("Đọc kỹ dòng chữ máy báo", "Câu của An")
    assert editor.post(address, {**first, "body": changed}).status_code == 303
    answer = colleague.post(address, {**second, "body": second["body"].replace("Đọc kỹ", "Xem kỹ")})
    assert answer.status_code == 409
    assert "Câu của An" in words(answer).replace("  ", " ")
    assert "Xem kỹ" in form_on(answer)["body"]
    assert colleague.post(address, form_on(answer)).status_code == 303


def test_a_new_guide_begins_as_a_skeleton_that_cannot_be_published_as_it_is(
    either_app: Flask, editor: Visitor
) -> None:
    """It is hidden until it is whole."""
    answer = editor.post("/en/editing/guides/new", {"name": "Nhận tiền qua tài khoản"})
    assert answer.headers["Location"].endswith("/guides/nhan-tien-qua-tai-khoan/vi")
    page = editor.get(answer.headers["Location"])
    assert "is empty" in words(page)
    assert visitor_of(either_app).get("/vi/guides/nhan-tien-qua-tai-khoan").status_code == 404
    assert editor.get("/en/editing/guides/nhan-tien-qua-tai-khoan").status_code == 200


def test_a_guide_can_be_confirmed_taken_off_and_put_back(either_app: Flask, editor: Visitor) -> None:
    """Each is one action."""
    from datetime import timedelta

    from guidance.units.queries import today

    citizen = visitor_of(either_app)
    later = (today() + timedelta(days=100)).isoformat()
    assert editor.post(f"{LOCKED}/confirm", {"next_review": later}).status_code == 303
    assert f"{today().day} {today():%B %Y}" in words(citizen.get("/en/guides/vneid-locked"))
    assert editor.post(f"{LOCKED}/show", {"shown": "no"}).status_code == 303
    assert citizen.get("/vi/guides/vneid-locked").status_code == 404
    assert editor.post(f"{LOCKED}/show", {"shown": "yes"}).status_code == 303
    assert citizen.get("/vi/guides/vneid-locked").status_code == 200


def test_an_update_offers_its_new_guide_beside_an_edited_one(
    either_app: Flask, editor: Visitor, content: Path
) -> None:
    """What an editor changed stays until somebody decides."""
    text = form_on(editor.get(f"{LOCKED}/vi"))["body"].replace("Đọc kỹ dòng chữ máy báo", "Câu của An")
    publish(editor, draft_address(editor, f"{LOCKED}/vi", body=text))
    path = content / "guides" / "vneid-locked.vi.md"
    path.write_text(path.read_text().replace("Đọc kỹ dòng chữ máy báo", "Câu mới"))
    with either_app.app_context():
        assert guides.load(content / "guides").waiting == 1
    assert "New text that came with the site" in words(editor.get("/en/editing/"))
    assert "Câu của An" in words(visitor_of(either_app).get("/vi/guides/vneid-locked"))
    assert editor.get(f"{LOCKED}/shipped").status_code == 200
    assert editor.post(f"{LOCKED}/shipped/take").status_code == 303
    assert "Câu của An" not in words(visitor_of(either_app).get("/vi/guides/vneid-locked"))

"""Editors tell citizens what has changed, and for how long."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from guidance.units.queries import today
from tests.conftest import Visitor, visitor_of
from tests.editing.conftest import form_on, words


def a_notice(**more: str) -> dict[str, str]:
    """A complete notice as the form sends it."""
    return {
        "kind": "outage",
        "title_vi": "Cổng tạm dừng tối nay",
        "body_vi": "Từ 22 giờ đến 24 giờ.",
        "source": "Bộ phận vận hành",
        "subjects": "procedure:1.001193",
        "shown_from": today().isoformat(),
        "shown_to": (today() + timedelta(days=1)).isoformat(),
        "seen": "",
        **more,
    }


def test_a_notice_is_shown_where_it_belongs_and_until_it_is_over(either_app: Flask, editor: Visitor) -> None:
    """On the list, on the procedure it touches; ended, it is gone from there."""
    citizen = visitor_of(either_app)
    assert editor.post("/en/editing/notices/new", a_notice()).status_code == 303
    assert "Cổng tạm dừng tối nay" in words(citizen.get("/vi/notices/"))
    assert "Cổng tạm dừng tối nay" in words(citizen.get("/vi/procedures/1.001193"))
    assert "Cổng tạm dừng tối nay" in words(editor.get("/en/editing/notices/"))
    assert editor.post("/en/editing/notices/cong-tam-dung-toi-nay/end").status_code == 303
    assert "Cổng tạm dừng tối nay" not in words(citizen.get("/vi/procedures/1.001193"))


def test_a_faulty_notice_is_shown_again_with_what_is_wrong(editor: Visitor) -> None:
    """Every field says its own sentence."""
    early = (today() - timedelta(days=9)).isoformat()
    faulty = a_notice(title_vi="", shown_to=early, source_url="javascript:alert(1)", subjects="trang-chu")
    answer = editor.post("/en/editing/notices/new", faulty)
    assert answer.status_code == 422
    for sentence in (
        "Give the notice a title.",
        "The last day lies before the first.",
        "The address starts with https://",
        "names no page",
    ):
        assert sentence in words(answer)


def test_two_editors_of_one_notice_both_see_both(editor: Visitor, colleague: Visitor) -> None:
    """The second saving answers 409 and shows theirs."""
    editor.post("/en/editing/notices/new", a_notice())
    address = "/en/editing/notices/cong-tam-dung-toi-nay"
    first, second = form_on(editor.get(address)), form_on(colleague.get(address))
    assert editor.post(address, {**first, "title_vi": "Tên của An"}).status_code == 303
    answer = colleague.post(address, {**second, "title_vi": "Tên của Bình"})
    assert answer.status_code == 409
    assert "Tên của An" in words(answer).replace("  ", " ")
    again = form_on(answer)
    assert again["title_vi"] == "Tên của Bình"
    assert colleague.post(address, again).status_code == 303

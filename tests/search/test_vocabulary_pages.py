"""Editors teach the search on their pages, and citizens find at once."""

from __future__ import annotations

import re
import shutil
import time
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from guidance import audit
from guidance.catalogue import starter
from guidance.guides import imports as guides
from guidance.search import actions, current, queries, shipped
from tests.conftest import Visitor, staff_of, visitor_of
from tests.desk.conftest import FreshClient

PROCEDURES = ("1.001193", "1.000894", "1.004884")
MARRIAGE = "/vi/editing/vocabulary/procedure/1.000894"


@pytest.fixture
def site(either_app: Flask, tmp_path: Path) -> Flask:
    """A small site with a few procedures, one guide and the shipped words."""
    either_app.test_client_class = FreshClient
    for name, keys, pattern in (("procedures", PROCEDURES, "{}.yaml"), ("guides", ("scams",), "{}.??.md")):
        (tmp_path / name).mkdir()
        for key in keys:
            for path in (shipped.CONTENT / name).glob(pattern.format(key)):
                shutil.copy(path, tmp_path / name)
    starter.load_starters(tmp_path / "procedures")
    guides.load(tmp_path / "guides")
    actions.load_vocabulary()
    current.catch_up()
    return either_app


@pytest.fixture
def editor(site: Flask) -> Visitor:
    """An editor."""
    return staff_of(site, "an", "editor")


def _form(page: TestResponse) -> dict[str, str]:
    """The phrases' form as it stands on the page."""
    html = page.get_data(as_text=True)
    found = dict(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\s*(.*?)</textarea>', html, re.DOTALL))
    seen = re.search(r'name="seen"[^>]* value="([0-9a-f]*)"', html)
    assert seen
    return {name: unescape(text) for name, text in found.items()} | {"seen": seen[1]}


def _first(person: Visitor, question: str) -> str:
    """The address of the first result that a citizen gets."""
    page = person.get("/vi/search", query_string={"q": question}).get_data(as_text=True)
    hits = page.partition('<ul class="cards hits"')[2]
    found = re.search(r'<li class="card"><a href="([^"]+)"', hits)
    return found[1] if found else ""


def _soon(person: Visitor, question: str, address: str) -> bool:
    """Whether a citizen gets this page first within two seconds."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        if _first(person, question) == address:
            return True
        time.sleep(0.1)
    return False


def test_a_citizen_s_next_search_finds_the_phrase_that_an_editor_added(site: Flask, editor: Visitor) -> None:
    citizen = visitor_of(site)
    assert _first(citizen, "vu quy kiệu hoa") != "/vi/procedures/1.000894"
    form = _form(editor.get(MARRIAGE))
    form["vi"] += "\nvu quy kiệu hoa"
    assert editor.post(MARRIAGE, form).status_code == 303
    assert _soon(citizen, "vu quy kieu hoa", "/vi/procedures/1.000894")
    assert "vu quy kiệu hoa" in _form(editor.get(MARRIAGE))["vi"]
    line = audit.latest(action="search_phrases.change")[0]
    assert (line.account, line.subject) == ("an", "procedure:1.000894")
    assert set(line.detail) == {"vi"}


def test_a_language_that_was_not_touched_goes_on_following_the_shipped_phrases(
    site: Flask, editor: Visitor
) -> None:
    form = _form(editor.get(MARRIAGE))
    assert editor.post(MARRIAGE, form).status_code == 303
    assert audit.latest(action="search_phrases.change") == []
    form["vi"] += "\nlàm đám cưới với người yêu"
    editor.post(MARRIAGE, form)
    assert actions.load_vocabulary() == 0
    assert "làm đám cưới với người yêu" in queries.phrases_of("procedure:1.000894")["vi"]


def test_two_editors_on_one_page_never_overwrite_each_other(site: Flask, editor: Visitor) -> None:
    colleague = staff_of(site, "binh", "editor")
    mine, theirs = _form(editor.get(MARRIAGE)), _form(colleague.get(MARRIAGE))
    theirs["vi"] += "\nnên vợ nên chồng"
    assert colleague.post(MARRIAGE, theirs).status_code == 303
    mine["vi"] += "\nse duyên"
    answer = editor.post(MARRIAGE, mine)
    assert answer.status_code == 409
    page = re.sub(r"</?(del|ins)>", "", answer.get_data(as_text=True))
    assert "nên vợ nên chồng" in page
    assert "se duyên" in page
    assert "nên vợ nên chồng" in queries.phrases_of("procedure:1.000894")["vi"]
    assert editor.post(MARRIAGE, _form(answer)).status_code == 303
    assert "se duyên" in queries.phrases_of("procedure:1.000894")["vi"]


def test_a_word_is_known_until_it_is_removed_and_again_when_it_is_put_back(
    site: Flask, editor: Visitor
) -> None:
    citizen = visitor_of(site)
    words = "/vi/editing/vocabulary/words"
    before = _first(citizen, "se duyên")
    assert before != "/vi/procedures/1.000894"
    editor.post(words, {"kind": "means", "source": "se duyên", "target": "đăng ký kết hôn"})
    assert _soon(citizen, "se duyên", "/vi/procedures/1.000894")
    number = next(word.id for word in queries.taught_words(["means"], "se duyên"))
    assert editor.post(f"{words}/{number}/remove").status_code == 303
    assert _soon(citizen, "se duyên", before)
    assert "se duyên" in editor.get(f"{words}?kind=removed").get_data(as_text=True)
    assert editor.post(f"{words}/{number}/restore").status_code == 303
    assert _soon(citizen, "se duyên", "/vi/procedures/1.000894")
    assert editor.post(f"{words}/999999/remove").status_code == 404
    assert {line.action for line in audit.latest() if line.subject == f"search_word:{number}"} == {
        "search_word.add",
        "search_word.remove",
        "search_word.restore",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "same", "source": "một mình"},
        {"kind": "means", "source": "tơ hồng", "target": ""},
        {"kind": "stop", "source": "|||"},
        {"kind": "marker", "source": "a | b"},
        {"kind": "stop", "source": "một hai ba bốn năm sáu bảy tám chín"},
    ],
)
def test_words_that_teach_nothing_are_sent_back_with_a_reason(
    site: Flask, editor: Visitor, wrong: dict[str, str]
) -> None:
    answer = editor.post("/en/editing/vocabulary/words", {"target": "", **wrong})
    assert answer.status_code == 422
    assert 'id="errors"' in answer.get_data(as_text=True)


def test_what_people_asked_in_vain_is_shown_to_editors(site: Flask, editor: Visitor) -> None:
    citizen = visitor_of(site)
    for _again in range(3):  # a cache must not hide how often people ask
        citizen.get("/vi/search?q=qwxzzkjv")
    citizen.get("/vi/search?q=ket+hon")
    citizen.get("/vi/search?q=khai+sinh")
    assert citizen.post("/vi/search/opened", {"q": "khai sinh"}).status_code == 204
    page = editor.get("/en/editing/vocabulary/").get_data(as_text=True)
    assert re.search(r'<th scope="row">qwxzzkjv</th><td>vi</td><td class="num">3</td>', page)
    assert '<th scope="row">ket hon</th>' in page
    assert '<th scope="row">khai sinh</th>' not in page
    assert 'data-asked="ket hon"' in citizen.get("/vi/search?q=ket+hon").get_data(as_text=True)


def test_an_editor_finds_procedures_and_guides_to_teach(site: Flask, editor: Visitor) -> None:
    page = editor.get("/vi/editing/vocabulary/?q=ket+hon").get_data(as_text=True)
    assert MARRIAGE in page
    assert "/vi/editing/vocabulary/guide/scams" in editor.get("/vi/editing/vocabulary/?q=lua+dao").get_data(
        as_text=True
    )
    assert editor.get("/vi/editing/vocabulary/guide/scams").status_code == 200
    assert editor.get("/vi/editing/vocabulary/guide/nothing").status_code == 404
    assert "/vi/editing/vocabulary/" in editor.get("/vi/editing/").get_data(as_text=True)


def test_only_editors_teach_the_search(site: Flask) -> None:
    officer, citizen = staff_of(site, "lan", "desk"), visitor_of(site)
    for path in ("/vi/editing/vocabulary/", "/vi/editing/vocabulary/words", MARRIAGE):
        assert officer.get(path).status_code == 403
        assert citizen.get(path).status_code in {303, 401}
    assert officer.post(MARRIAGE, {"vi": "của tôi"}).status_code == 403
    assert officer.post("/vi/editing/vocabulary/words", {"kind": "stop", "source": "a"}).status_code == 403
    assert "của tôi" not in queries.phrases_of("procedure:1.000894").get("vi", ())


def test_stored_words_stay_words(site: Flask, editor: Visitor) -> None:
    evil = "<script>alert(1)</script> cưới"
    form = _form(editor.get(MARRIAGE))
    editor.post(MARRIAGE, form | {"vi": evil})
    editor.post("/en/editing/vocabulary/words", {"kind": "means", "source": evil, "target": evil})
    visitor_of(site).get("/vi/search", query_string={"q": "<b onclick=x>qwxzz"})
    for path in (MARRIAGE, "/en/editing/vocabulary/words", "/en/editing/vocabulary/", "/vi/search?q=cuoi"):
        page = editor.get(path).get_data(as_text=True)
        assert "<script>alert" not in page
        assert "<b onclick" not in page


def test_an_answer_from_an_index_that_lags_behind_is_not_kept(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = visitor_of(site)
    assert "public" in citizen.get("/vi/suggest?q=ket+h").headers["Cache-Control"]
    monkeypatch.setattr(current, "is_up_to_date", lambda: False)
    for path in ("/vi/suggest?q=khai", "/vi/search?q=khai&page=2", "/vi/search?q=khai"):
        assert "no-cache" in citizen.get(path).headers["Cache-Control"]


QUESTIONS = "/vi/editing/vocabulary/questions"


def _asked_back(person: Visitor, words: str) -> list[str]:
    """What the JSON door asks back for some words: the question and its answers."""
    clarify = person.get("/api/v1/search", query_string={"q": words}).get_json()["clarify"]
    return [clarify["question"], *(choice["label"] for choice in clarify["choices"])] if clarify else []


def _soon_asked(person: Visitor, words: str, wanted: list[str]) -> bool:
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        if _asked_back(person, words) == wanted:
            return True
        time.sleep(0.1)
    return False


def test_an_editor_s_question_is_asked_back_at_once_changed_at_once_and_gone_at_once(
    site: Flask, editor: Visitor
) -> None:
    citizen = visitor_of(site)
    assert _asked_back(citizen, "tơ hồng") == []
    form = {
        "source": "tơ hồng | se duyên",
        "question_vi": "Bạn cần làm gì?",
        "question_en": "What do you need?",
        "choices": "1.000894 = Đăng ký kết hôn / Marry\n1.001193 = Khai sinh cho con / Register a newborn",
    }
    assert editor.post(QUESTIONS, form).status_code == 303
    assert _soon_asked(citizen, "to hong", ["Bạn cần làm gì?", "Đăng ký kết hôn", "Khai sinh cho con"])
    page = editor.get(QUESTIONS).get_data(as_text=True)
    number = re.findall(r"/vocabulary/questions/(\d+)\"[^>]*>[^<]*<span class=\"hidden\">: tơ hồng", page)[0]
    shown = editor.get(f"{QUESTIONS}/{number}").get_data(as_text=True)
    assert "1.000894 = Đăng ký kết hôn / Marry" in shown
    form["question_vi"] = "Bạn muốn gì?"
    assert editor.post(f"{QUESTIONS}/{number}", form).status_code == 303
    assert _soon_asked(citizen, "to hong", ["Bạn muốn gì?", "Đăng ký kết hôn", "Khai sinh cho con"])
    assert editor.post(f"{QUESTIONS}/{number}", form).status_code == 409
    page = editor.get(QUESTIONS).get_data(as_text=True)
    newest = re.findall(r"/vocabulary/questions/(\d+)\"[^>]*>[^<]*<span class=\"hidden\">: tơ hồng", page)[0]
    assert editor.post(f"/vi/editing/vocabulary/words/{newest}/remove").status_code == 303
    assert _soon_asked(citizen, "to hong", [])
    assert "Bạn cần làm gì?" not in editor.get(QUESTIONS).get_data(as_text=True).partition("<details")[0]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("source", ""),
        ("question_vi", "Một | hai"),
        ("choices", "1.000894 = Kết hôn"),
        ("choices", "1.000894 = Kết hôn\n9.999999 = Không có"),
        ("choices", "1.000894 Kết hôn\n1.001193 Khai sinh"),
    ],
)
def test_a_question_that_leads_nowhere_is_sent_back_with_a_sentence(
    editor: Visitor, field: str, text: str
) -> None:
    form = {
        "source": "tơ hồng",
        "question_vi": "Bạn cần làm gì?",
        "choices": "1.000894 = Kết hôn\n1.001193 = Khai sinh",
        field: text,
    }
    answer = editor.post(QUESTIONS, form)
    assert answer.status_code == 422
    assert 'class="error' in answer.get_data(as_text=True)


def test_an_upgrade_leaves_a_changed_question_as_the_editor_wrote_it(site: Flask, editor: Visitor) -> None:
    shipped_one = next(word for word in queries.taught_words(["ask"]) if "khai sinh" in word.source)
    actions.replace_word(shipped_one.id, "ask", "khai sinh", "Gì? | 1.001193 = A | 1.004884 = B", by="an")
    assert actions.load_vocabulary() == 0
    current.take_up([], words=True)
    assert _soon_asked(visitor_of(site), "khai sinh", ["Gì?", "A", "B"])


def test_an_answer_of_an_index_that_lags_behind_is_kept_by_nobody(site: Flask) -> None:
    citizen = visitor_of(site)
    fresh = citizen.get("/api/v1/search?q=ket+hon")
    assert fresh.headers["Cache-Control"] == "public, no-cache"
    actions.save_phrases("guide:scams", "vi", "bị gạt")  # nobody told the index yet
    assert citizen.get("/api/v1/search?q=ket+hon&limit=2").headers["Cache-Control"] == "private, no-cache"

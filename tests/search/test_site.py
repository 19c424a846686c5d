"""Searching on the site: pages, suggestions, JSON, and what editors teach."""

from __future__ import annotations

import time

import pytest
from flask import Flask

from guidance.catalogue import starter
from guidance.guides import imports as guides
from guidance.search import actions, current, queries, shipped


@pytest.fixture
def stocked(app: Flask) -> Flask:
    """A site with the starter procedures, guides and vocabulary, indexed."""
    starter.load_starters(shipped.CONTENT / "procedures")
    starter.load_plain_names(sorted((shipped.CONTENT / "vocabulary").glob("[0-9]-*.tsv")))
    guides.load()
    actions.load_vocabulary()
    current.catch_up()
    return app


def _wait_for(site: Flask, question: str, key: str) -> bool:
    deadline = time.monotonic() + 20  # two seconds on a machine with nothing else to do
    while time.monotonic() < deadline:
        hits = current.index().search(question).hits
        if hits and hits[0].key == key:
            return True
        time.sleep(0.1)
    return False


def test_a_citizen_finds_a_procedure_on_the_page_in_suggestions_and_in_json(stocked: Flask) -> None:
    client = stocked.test_client()
    page = client.get("/vi/search?q=dang+ky+ket+hon")
    assert page.status_code == 200
    assert "/vi/procedures/1.000894" in page.get_data(as_text=True)
    assert "1.000894" in client.get("/vi/suggest?q=ket+h").get_data(as_text=True)
    answer = client.get("/api/v1/search?q=đăng ký kết hôn&lang=en&limit=3").get_json()
    first = answer["results"][0]
    assert (first["kind"], first["code"], first["url"]) == (
        "procedure",
        "1.000894",
        "/en/procedures/1.000894",
    )
    assert len(answer["results"]) == 3
    clarify = client.get("/api/v1/search?q=sổ đỏ").get_json()["clarify"]
    assert set(clarify["choices"][0]) == {"label", "url"}


def test_results_tell_time_and_fee_where_every_way_has_the_same(stocked: Flask) -> None:
    client = stocked.test_client()
    page = client.get("/en/search?q=khai+sinh").get_data(as_text=True)
    card = page[page.index("/en/procedures/1.001193") :].partition("</li>")[0]
    assert "1 working day · Free" in card
    page = client.get("/en/search?q=dang+ky+thuong+tru").get_data(as_text=True)
    card = page[page.index("/en/procedures/1.004222") :].partition("</li>")[0]
    assert "7 working days" in card
    assert "đ" not in card.partition('class="quiet certain"')[2].partition("</span>")[0], "online costs less"


def test_somebody_who_finds_nothing_is_shown_life_events_and_a_person_to_ask(stocked: Flask) -> None:
    page = stocked.test_client().get("/vi/search?q=qwxzzkjv").get_data(as_text=True)
    assert "/vi/help" in page
    assert "life_event=child" in page


def test_words_that_look_like_markup_stay_words(stocked: Flask) -> None:
    page = stocked.test_client().get("/en/search?q=<script>alert(1)</script>").get_data(as_text=True)
    assert "<script>alert" not in page


def test_an_editor_s_phrase_is_live_within_two_seconds(stocked: Flask) -> None:
    actions.save_phrases("procedure:1.000894", "vi", "làm lễ tơ hồng\nrước dâu")
    current.take_up(["procedure:1.000894"])
    assert _wait_for(stocked, "rước dâu", "1.000894")
    actions.add_word("same", "se duyên | kết hôn", "")
    current.take_up([], words=True)
    assert _wait_for(stocked, "se duyên", "1.000894")


def test_what_an_editor_publishes_is_followed_without_a_command(stocked: Flask) -> None:
    actions.save_phrases("guide:vssid", "vi", "sổ tay an sinh trên máy")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        hits = current.index().search("sổ tay an sinh trên máy").hits
        if hits and hits[0].key == "vssid":
            return
        time.sleep(0.2)
    raise AssertionError("the index did not follow")


def test_loading_the_shipped_vocabulary_twice_changes_nothing_and_keeps_an_editor_s_words(
    stocked: Flask,
) -> None:
    assert actions.load_vocabulary() == 0
    actions.save_phrases("guide:vssid", "vi", "app bảo hiểm của tôi")
    assert actions.load_vocabulary() == 0
    assert queries.phrases_of("guide:vssid")["vi"] == ("app bảo hiểm của tôi",)


def test_editors_see_what_was_asked_in_vain_without_numbers_of_persons(stocked: Flask) -> None:
    actions.count_search("Xin Giấy Gì Đó", "vi", found=False)
    actions.count_search("xin giay gi do", "vi", found=False)
    actions.count_search("tra 001099012345", "vi", found=False)
    month = time.strftime("%Y-%m", time.gmtime())
    told = queries.unanswered(month)
    assert [(one.words, one.asked, one.empty) for one in told] == [("xin giay gi do", 2, 2)]


def test_both_databases_give_the_same_documents(either_app: Flask) -> None:
    starter.load_starters(shipped.CONTENT / "procedures")
    actions.load_vocabulary()
    current.catch_up()
    hits = [hit.key for hit in current.index().search("làm giấy khai sinh").hits]
    assert hits[0] == "1.001193"

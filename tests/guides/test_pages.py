"""Readers at the doors: list, guide, leaflet, questionnaire, hall screen, notices, JSON."""

from __future__ import annotations

import html
import json
import re
from xml.etree import ElementTree as Xml

import pytest
import zxingcpp
from flask import Flask
from werkzeug.test import TestResponse

from guidance.db import content_version
from guidance.guides import actions, check, imports, queries
from guidance.guides.publishing import GUIDES
from guidance.guides.shapes import Original
from tests.conftest import Visitor, staff_of

LANGUAGES = ("vi", "en", "ur")


def words_of(answer: TestResponse) -> str:
    """The readable words of a page, one space between them."""
    page = re.sub(r"(?s)<(script|style).*?</\1>", " ", answer.get_data(as_text=True))
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_list_links_every_guide_plainly(reader: Visitor, lang: str) -> None:
    """Whoever opens the list finds every guide, without JavaScript."""
    page = reader.get(f"/{lang}/guides/").get_data(as_text=True)
    linked = set(re.findall(rf'href="/{lang}/guides/([a-z0-9-]+)"', page))
    assert linked == set(queries.published_slugs())
    assert len(linked) >= 40
    assert {"vneid-level-2", "vssid", "submit-online"} <= linked


def test_every_guide_opens_in_every_language_with_its_steps(reader: Visitor) -> None:
    """No guide is a dead link, and none sets a cookie."""
    for slug in queries.published_slugs():
        for lang in LANGUAGES:
            answer = reader.get(f"/{lang}/guides/{slug}")
            assert answer.status_code == 200, (slug, lang)
            assert "Set-Cookie" not in answer.headers
            page = answer.get_data(as_text=True)
            shown = queries.guide_page(slug, lang)
            assert shown is not None
            assert page.count('<li id="step-') == len(shown.steps) >= 3
            assert page.count("<h1") == 1


def test_trouble_stands_under_the_step_it_belongs_to(reader: Visitor) -> None:
    """Whoever is stuck at a step finds the way out right there."""
    page = reader.get("/en/guides/vneid-level-2").get_data(as_text=True)
    first = page.split('<li id="step-1">')[1].split('<li id="step-2">')[0]
    assert "The SIM is in someone else" in first
    assert "Something went wrong?" in first


def test_a_fraud_warning_stands_where_a_code_is_near(reader: Visitor) -> None:
    """The step in which a message with a code comes says: tell it to nobody."""
    page = reader.get("/en/guides/vneid-level-2").get_data(as_text=True)
    sixth = page.split('<li id="step-6">')[1].split('<li id="step-7">')[0]
    assert "Never tell anybody your code" in sixth


def test_readers_see_what_was_checked_and_what_was_not(reader: Visitor) -> None:
    """Every source says when it was read, or that nobody has verified it."""
    words = words_of(reader.get("/en/guides/vneid-level-2"))
    assert "Checked July 2026" in words
    assert "Not yet verified" in words


def test_a_guide_missing_in_urdu_says_so_and_marks_its_language(reader: Visitor) -> None:
    """Text in another language carries its language, a note and a link; nobody is fooled."""
    missing = next(slug for slug in queries.published_slugs() if queries.words_of(slug, "ur") is None)
    page = reader.get(f"/ur/guides/{missing}").get_data(as_text=True)
    assert re.search(r'<h1 lang="en" dir="ltr">', page)
    assert f'href="/en/guides/{missing}"' in page
    assert "ترجمہ نہیں ہوا" in page


def test_a_clerk_reads_the_guide_beside_the_log_as_words(furnished: Flask) -> None:
    """A way out that leads to another guide is a link there too, not its Markdown."""
    clerk = staff_of(furnished, "lan", "desk")
    page = clerk.get("/en/desk/?topic=guide:vneid-activation").get_data(as_text=True)
    beside = page[page.index('class="beside-steps"') :]
    assert "(guide:" not in page and "`TTTB`" not in page
    assert 'href="/en/guides/vneid-forgotten-password"' in beside
    assert "<code>TTTB</code>" in beside


def test_a_long_explanation_is_a_list(reader: Visitor) -> None:
    """The states of a file stand one under another, on the page and on paper."""
    page = reader.get("/en/guides/track-file").get_data(as_text=True)
    assert "<li><strong>Chờ tiếp nhận</strong>: nobody has taken it yet.</li>" in page
    paper = reader.get("/en/guides/track-file/print").get_data(as_text=True)
    assert '<p class="under">• <strong>Chờ tiếp nhận</strong>: nobody has taken it yet.</p>' in paper


def test_an_unknown_guide_is_not_found(reader: Visitor) -> None:
    """A mistyped address gets a kind 404."""
    assert reader.get("/vi/guides/no-such-guide").status_code == 404
    assert reader.get("/vi/guides/no-such-guide/print").status_code == 404
    assert reader.get("/vi/guides/print?slugs=no-such-guide").status_code == 404


@pytest.mark.parametrize("path", ["/vi/guides/vneid-level-2", "/vi/procedures/1.001193"])
def test_a_leaflet_carries_address_qr_and_date(reader: Visitor, path: str) -> None:
    """Paper leads back to the page: its address from the settings, a code to scan, when it was checked."""
    page = reader.get(path + "/print").get_data(as_text=True)
    assert f"huongdan.example.vn/{path.rpartition('/')[2]}</strong>" in page
    assert '<svg viewBox="0 0 ' in page
    assert "Đối chiếu lần cuối" in page
    assert "<nav" not in page.split("<main")[1]
    assert "0210 123 456" in page


def scanned(page: str) -> list[str]:
    """What a telephone reads from every QR code of a page, each drawn as ink on white paper."""
    texts = []
    for side, drawing in re.findall(
        r'<svg viewBox="0 0 (\d+) \d+" class="segno"><path[^>]* d="([^"]+)"', page
    ):
        ink: set[tuple[int, int]] = set()
        x = y = 0
        for move, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?", drawing):
            if move == "h":
                ink |= {(x + more, y) for more in range(int(first))}
                x += int(first)
            else:
                x, y = (0, 0) if move == "M" else (x, y)
                x, y = x + int(float(first)), y + int(float(second))
        dot, paper = 5, int(side) + 6
        points = range(paper * dot)
        seen = bytes(0 if (c // dot - 3, r // dot - 3) in ink else 255 for r in points for c in points)
        found = zxingcpp.read_barcodes(memoryview(seen).cast("B", (len(points), len(points))))
        texts += [code.text for code in found]
    return texts


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/vi/guides/vneid-level-2", "/vi/guides/vneid-level-2"),
        ("/ur/guides/vssid/print", "/ur/guides/vssid"),
        ("/en/procedures/1.001193/print?with=vi", "/en/procedures/1.001193"),
        ("/vi/hall/procedures/1.001193", "/vi/procedures/1.001193"),
    ],
)
def test_the_code_is_the_pages_own_address(reader: Visitor, path: str, leads_to: str) -> None:
    """A telephone that scans the paper or the screen opens that page, at the address of the settings."""
    page = reader.get(path, headers={"Host": "localhost"}).get_data(as_text=True)
    assert scanned(page) == [f"https://huongdan.example.vn{leads_to}"]


def test_a_folder_of_leaflets_has_a_code_for_each(reader: Visitor) -> None:
    """Every sheet of the print job leads to its own page."""
    page = reader.get("/vi/guides/print?slugs=vssid,scams&procedures=1.001193").get_data(as_text=True)
    paths = ("/vi/guides/vssid", "/vi/guides/scams", "/vi/procedures/1.001193")
    assert scanned(page) == [f"https://huongdan.example.vn{path}" for path in paths]


def test_the_short_address_is_typed_from_paper(reader: Visitor) -> None:
    """Few letters lead to the page in the reader's language; a mistyped one is not found."""
    urdu = {"Accept-Language": "ur, en;q=0.5"}
    answer = reader.get("/vneid-level-2", headers=urdu)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/ur/guides/vneid-level-2")
    assert "Accept-Language" in answer.headers["Vary"]
    assert reader.get("/1.001193").headers["Location"] == "/vi/procedures/1.001193"
    assert reader.get("/vneid-level-9").status_code == 404
    assert reader.get("/vi").headers["Location"].endswith("/vi/")


def test_a_leaflet_shows_two_languages_side_by_side(reader: Visitor) -> None:
    """A mixed family reads one sheet together."""
    page = reader.get("/vi/guides/vneid-level-2/print?with=en").get_data(as_text=True)
    assert "Làm tài khoản VNeID mức 2" in page
    assert "Get a VNeID level-2 account" in page
    assert "Chuẩn bị sẵn" in page
    assert "Have ready" in page


def test_a_whole_folder_of_leaflets_is_one_print_job(reader: Visitor) -> None:
    """The counter prints all leaflets of a group, or its own choice, at once."""
    page = reader.get("/vi/guides/print?group=vssid").get_data(as_text=True)
    group = next(group for group in queries.all_guides("vi") if group.slug == "vssid")
    assert page.count("<article") == len(group.cards)
    page = reader.get("/vi/guides/print?slugs=vssid,scams&procedures=1.001193").get_data(as_text=True)
    assert page.count("<article") == 3


def test_every_path_of_the_questionnaire_ends_somewhere_useful(furnished: Flask) -> None:
    """Whatever people answer, they get a sentence and at least one guide that exists."""
    published = set(queries.published_slugs())
    ends = check.every_path()
    assert len(ends) > 500
    for answers in ends:
        end = check.place(answers)
        assert end.verdict is not None, answers
        assert end.guides, answers
        assert set(end.guides) <= published


def test_nobody_is_sent_where_they_cannot_go(furnished: Flask) -> None:
    """No smartphone, or only the counter: no path through an app. A child: the parent's phone is asked about. Papers come once."""
    apps = {
        "vneid-level-1",
        "vneid-activation",
        "portal-login",
        "submit-online",
        "vssid",
        "vneid-add-documents",
    }
    for answers in check.every_path():
        end = check.place(answers)
        if answers.get("phone") == "none" or answers.get("online") == "counter":
            assert not apps & set(end.guides), answers
        assert len(end.guides) <= 8, answers
        assert len({paper.vi for paper in end.papers}) == len(end.papers), answers
    child = check.place({"goal": "account", "who": "child"}).question
    grown = check.place({"goal": "account", "who": "me"}).question
    assert child is not None and grown is not None
    assert child.key == grown.key == "phone"
    assert child.text.en != grown.text.en


def test_every_answer_of_every_path_is_a_page(reader: Visitor) -> None:
    """An end is a page that opens in every language, with its sentence, its guides and no dead link."""
    ends = {}
    for answers in check.every_path():
        verdict = check.place(answers).verdict
        assert verdict is not None
        ends[verdict.en] = answers
    published = set(queries.published_slugs())
    for answers in ends.values():
        for lang in LANGUAGES:
            answer = reader.get(f"/{lang}/check", query_string=answers)
            page = answer.get_data(as_text=True)
            assert answer.status_code == 200
            verdict = check.place(answers).verdict
            assert verdict is not None
            assert verdict.in_(lang) in html.unescape(page)
            linked = re.findall(rf'href="/{lang}/guides/([a-z0-9-]+)"', page.split('id="path"')[1])
            assert linked and set(linked) <= published
    assert len(ends) == len(check.definition().verdicts)


def test_somebody_without_an_account_is_led_to_the_police_first(reader: Visitor) -> None:
    """The path begins with level 2, then activation, then the portal; the papers of the procedure are named."""
    address = "/en/check?procedure=1.001193&who=me&phone=own&sim=other&account=none&card=valid"
    page = reader.get(address).get_data(as_text=True)
    order = re.findall(r'href="/en/guides/([a-z0-9-]+)"', page.split('id="path"')[1])
    assert order[:2] == ["vneid-level-2", "vneid-activation"]
    assert order.index("vneid-activation") < order.index("portal-login") < order.index("submit-online")
    assert "/en/procedures/1.001193" in page
    assert "Have the SIM transferred first" in page


def test_the_questionnaire_asks_one_question_at_a_time_and_stores_nothing(reader: Visitor) -> None:
    """Answers travel in the address alone; nonsense is asked again."""
    answer = reader.get("/en/check?goal=procedure&who=me")
    page = answer.get_data(as_text=True)
    assert 'name="goal" value="procedure"' in page
    assert page.count("<legend>") == 1
    assert "Set-Cookie" not in answer.headers
    assert 'name="goal"' in reader.get("/en/check?goal=%00nonsense").get_data(as_text=True)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_hall_screen_never_leaves_the_hall(reader: Visitor, lang: str) -> None:
    """On the touch screen every link stays in it, guides and procedures too, and a code hands the page over."""
    todo, seen = [f"/{lang}/hall/"], set()
    while todo:
        path = todo.pop()
        seen.add(path)
        answer = reader.get(path)
        assert answer.status_code == 200, path
        for link in re.findall(r'<a[^>]* href="([^"]+)"', answer.get_data(as_text=True)):
            assert re.match(r"/[a-z]{2}/hall/", link), (path, link)
            if link.startswith(f"/{lang}/") and link not in seen and len(seen) + len(todo) < 60:
                todo.append(link)
    page = reader.get(f"/{lang}/hall/guides/vssid").get_data(as_text=True)
    assert '<svg viewBox="0 0 ' in page


def test_notices_are_told_where_they_apply(reader: Visitor) -> None:
    """A change in law stands on the notices page and on the procedures it touches; a scam on its guides."""
    assert "Luật Hộ tịch mới" in words_of(reader.get("/vi/notices/"))
    assert "Luật Hộ tịch mới" in words_of(reader.get("/vi/procedures/1.001193"))
    assert "bảo cài VNeID là lừa đảo" in words_of(reader.get("/vi/guides/vneid-activation"))
    assert "bảo cài VNeID là lừa đảo" in words_of(reader.get("/vi/"))


def test_notices_can_be_subscribed_to(reader: Visitor) -> None:
    """The feed is well-formed Atom with a lasting id for each notice."""
    answer = reader.get("/en/notices.atom")
    assert answer.mimetype == "application/atom+xml"
    feed = Xml.fromstring(answer.data)  # noqa: S314 -- our own answer
    space = {"a": "http://www.w3.org/2005/Atom"}
    ids = [entry.findtext("a:id", namespaces=space) for entry in feed.findall("a:entry", space)]
    assert "https://huongdan.example.vn/en/notices/#vneid-scam-2026-10" in ids
    assert len(ids) == len(set(ids)) >= 4


def test_another_system_reads_a_guide_as_json(reader: Visitor) -> None:
    """Steps, troubles and sources come as data; the list is paged; linked data on request."""
    first = reader.get("/api/v1/guides?limit=10&lang=en").get_json()
    assert len(first["guides"]) == 10
    second = reader.get(f"/api/v1/guides?limit=200&cursor={first['next']}").get_json()
    assert second["next"] is None
    slugs = [guide["slug"] for guide in first["guides"] + second["guides"]]
    assert slugs == sorted(queries.published_slugs())
    guide = reader.get("/api/v1/guides/vneid-level-2?lang=en").get_json()
    assert guide["steps"][0]["trouble"][0]["reason"] == "sim"
    assert set(guide["sources"]) >= {guide["steps"][0]["source"]}
    linked = reader.get("/api/v1/guides/vneid-level-2", headers={"Accept": "application/ld+json"})
    assert linked.mimetype == "application/ld+json"
    assert json.loads(linked.data)["@type"] == "Article"
    assert reader.get("/api/v1/guides/nothing").mimetype == "application/problem+json"


def test_loading_twice_is_loading_once_and_editors_keep_their_words(furnished: Flask) -> None:
    """An upgrade changes nothing by itself, never overwrites an editor, and can be taken on purpose."""
    before = content_version()
    again = imports.load()
    assert (again.stored, again.waiting) == (0, 0)
    assert content_version() == before
    words = queries.words_of("vssid", "vi")
    assert isinstance(words, Original)
    changed = words.model_copy(update={"title": "Tên do biên tập viên đặt"})
    actions.publish_words(changed, by="thu", seen_version=1)
    assert content_version() == before + 1
    assert imports.load().stored == 0
    page = queries.guide_page("vssid", "vi")
    assert page is not None and page.title == "Tên do biên tập viên đặt"
    assert [version.number for version in GUIDES.versions("vssid", "vi")] == [2, 1]
    assert imports.take_starter("vssid", by="thu")
    page = queries.guide_page("vssid", "vi")
    assert page is not None and page.title == words.title

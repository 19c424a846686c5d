"""What people type, and what the search engine leads them to (the library alone, on the shipped content)."""

from __future__ import annotations

import gc
import time
import unicodedata
from pathlib import Path
from weakref import ref

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guidance.search import index as index_file
from guidance.search import shipped
from guidance.search.documents import Document
from guidance.search.engine import Index
from guidance.search.snapshot import IndexMissing, Watched
from guidance.search.vocabulary import Word


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the starter procedures and guides."""
    found = tmp_path_factory.mktemp("search") / "search.sqlite"
    index_file.build(shipped.everything(), shipped.words(), found)
    return found


@pytest.fixture(scope="module")
def search(path: Path) -> Index:
    """The engine over the shipped content."""
    return Index(path)


def first(search: Index, question: str, **more: str) -> str:
    """The key of the best answer."""
    return search.search(question, **more).hits[0].key


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("Đăng ký kết hôn", "1.000894"),
        ("dang ky ket hon", "1.000894"),
        ("ĐĂNG KÝ KẾT HÔN", "1.000894"),
        ("dangkykethon", "1.000894"),
        ("ddawng kys keets hoon", "1.000894"),
        ("đăng kí kêt hon", "1.000894"),
        ("em muốn đăng ký kết hôn thì cần giấy tờ gì ạ", "1.000894"),
        ("how do I get married", "1.000894"),
        ("mariage registration", "1.000894"),
        ("1.000894", "1.000894"),
        ("thủ tục 1.000894.000.00.00.H44", "1.000894"),
        ("000894", "1.000894"),
        ("mở quán cà phê", "1.001612"),
        ("làm hộ chiếu đi du lịch nước ngoài", "1.001456"),
        ("cưới chồng tây", "2.000806"),
        ("ad cho em hỏi xin sao lục giấy khai sinh", "2.000635"),
    ],
)
def test_a_neighbour_finds_the_procedure_however_it_is_typed(search: Index, question: str, key: str) -> None:
    assert first(search, question) == key


@pytest.mark.parametrize(
    "question", ["xác nhận tình trạng hôn nhân", "hòa giải tranh chấp đất", "quên mật khẩu"]
)
def test_composed_and_decomposed_letters_give_the_same_answer(search: Index, question: str) -> None:
    composed = search.search(unicodedata.normalize("NFC", question))
    decomposed = search.search(unicodedata.normalize("NFD", question))
    assert [hit.key for hit in composed.hits] == [hit.key for hit in decomposed.hits]


def test_old_and_new_tone_placement_give_the_same_answer(search: Index) -> None:
    new, old = search.search("hòa giải khóa tài khoản"), search.search("hoà giải khoá tài khoản")
    assert [(hit.key, hit.score) for hit in new.hits] == [(hit.key, hit.score) for hit in old.hits]


def test_somebody_with_a_broken_phone_is_led_to_a_guide(search: Index) -> None:
    hit = search.search("quên mật khẩu vneid").hits[0]
    assert (hit.kind, hit.key) == ("guide", "vneid-forgotten-password")


def test_an_english_reader_gets_english_titles(search: Index) -> None:
    hit = search.search("birth certificate", lang="en").hits[0]
    assert hit.key == "1.001193"
    assert hit.title.isascii()


def test_a_visitor_who_only_types_a_paper_is_asked_one_question(search: Index) -> None:
    asked = search.search("sổ đỏ").clarify
    assert asked is not None
    assert len(asked.choices) >= 3
    assert asked.question.endswith("?")


def test_a_visitor_who_says_what_is_wrong_is_not_asked_again(search: Index) -> None:
    assert search.search("làm lại sổ đỏ bị mất").clarify is None


def test_a_slip_is_repaired_and_said(search: Index) -> None:
    assert search.search("đăng ký kết hônn").corrected == "dang ky ket hon"
    assert search.search("đăng ký kết hôn").corrected is None


def test_filters_keep_only_what_fits(search: Index) -> None:
    found = search.search("đăng ký", filters={"kind": "guide"})
    assert found.hits
    assert {hit.kind for hit in found.hits} == {"guide"}


def test_the_next_page_continues_the_first(search: Index) -> None:
    whole = [hit.key for hit in search.search("đăng ký", limit=20).hits]
    parts = [hit.key for hit in search.search("đăng ký", limit=10).hits]
    parts += [hit.key for hit in search.search("đăng ký", limit=10, offset=10).hits]
    assert parts == whole


def test_suggestions_come_before_the_word_is_finished(search: Index) -> None:
    assert "1.000894" in [hit.key for hit in search.suggest("ket ho")]
    assert "1.001193" in [hit.key for hit in search.suggest("khai si")]


@pytest.mark.parametrize(
    "question",
    [
        "",
        " ",
        '"',
        "*",
        "NEAR(",
        "a NEAR/2 b",
        "\x00",
        "🙂🙂",
        "x" * 500,
        "đăng ký " * 200,
        "làm sao để",
        "ở đâu",
        "OR",
        "AND NOT",
        "'; DROP TABLE document; --",
        "1.",
        "....",
        "9" * 60,
        "ــ",
        "پیدائش",
        "1.000894 *",
        "%_",
        "\ud800",
    ],
)
def test_odd_input_never_fails(search: Index, question: str) -> None:
    search.search(question)
    search.suggest(question)


@given(st.text(max_size=80))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_at_all_is_answered(search: Index, question: str) -> None:
    search.search(question)


def _one(key: str, title: str, **more: object) -> Document:
    return Document("procedure", key, {"vi": title}, title, audience=("citizen",), **more)  # type: ignore[arg-type]  # fields by name


def test_an_editor_s_new_phrase_is_found_within_two_seconds_and_without_a_rebuild(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    index_file.build([_one("1.000001", "Khai sinh"), _one("1.000002", "Khai tử")], [], path)
    search, inode = Index(path), path.stat().st_ino
    assert not search.search("cúng đầy tháng").hits
    index_file.amend(path, [_one("1.000001", "Khai sinh", phrases={"vi": ("cúng đầy tháng",)})])
    deadline = time.monotonic() + 2
    while not search.search("cúng đầy tháng").hits and time.monotonic() < deadline:
        time.sleep(0.05)
    assert first(search, "cúng đầy tháng") == "1.000001"
    assert path.stat().st_ino == inode
    index_file.amend(path, [_one("1.000001", "Khai sinh")], vocabulary=[Word("same", ("đi xa", "khai tử"))])
    time.sleep(0.5)
    assert first(search, "đi xa") == "1.000002"
    assert not search.search("cúng đầy tháng").hits
    index_file.amend(path, gone=[("procedure", "1.000002")])
    time.sleep(0.5)
    assert [hit.key for hit in search.search("khai tử").hits] != ["1.000002"]
    assert search.count == 1


def test_the_state_before_a_change_goes_with_its_last_question(tmp_path: Path) -> None:
    """Nobody has to look for garbage: a day of changes does not fill the memory."""
    path = tmp_path / "search.sqlite"
    index_file.build([_one("1.000001", "Khai sinh"), _one("1.000002", "Khai tử")], [], path)
    snapshots = Watched(path)
    before = ref(snapshots.snapshot())
    gc.disable()
    try:
        assert snapshots.snapshot().one_slip_away("sinhh")
        index_file.amend(path, gone=[("procedure", "1.000002")])
        time.sleep(0.5)
        assert snapshots.snapshot().count == 1
        assert before() is None
    finally:
        gc.enable()


def test_amending_document_by_document_equals_building_anew(tmp_path: Path) -> None:
    documents = shipped.everything()[:60]
    whole, grown = tmp_path / "whole.sqlite", tmp_path / "grown.sqlite"
    index_file.build(documents, shipped.words(), whole)
    index_file.build(documents[:50], shipped.words(), grown)
    index_file.amend(grown, documents[45:])
    for question in ("làm lại thẻ", "đăng ký tạm trú", "trợ cấp", "chứng thực chữ ký"):
        one = [hit.key for hit in Index(whole).search(question, limit=3).hits]
        other = [hit.key for hit in Index(grown).search(question, limit=3).hits]
        assert one[:1] == other[:1]


def test_a_failed_rebuild_keeps_the_old_index(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    index_file.build([_one("1.000001", "Khai sinh")], [], path)

    def broken() -> object:
        yield _one("1.000002", "Khai tử")
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        index_file.build(broken(), [], path)  # type: ignore[arg-type]  # wrong on purpose
    assert first(Index(path), "khai sinh") == "1.000001"
    assert list(tmp_path.glob("*.new")) == []


def test_another_worker_notices_a_rebuilt_index(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    index_file.build([_one("1.000001", "Khai sinh")], [], path)
    worker = Index(path)
    assert worker.count == 1
    index_file.build([_one("1.000001", "Khai sinh"), _one("1.000002", "Khai tử")], [], path)
    time.sleep(0.5)
    assert first(worker, "khai tử") == "1.000002"


def test_without_an_index_the_engine_says_so(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing):
        Index(tmp_path / "none.sqlite").search("khai sinh")


def test_the_commune_s_procedure_comes_before_its_copy_at_the_ministry(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    index_file.build(
        [
            _one("1.000001", "Khiếu nại lần đầu", levels=("ministry",)),
            _one("1.000002", "Khiếu nại lần đầu", levels=("commune",)),
        ],
        [],
        path,
    )
    assert first(Index(path), "khiếu nại") == "1.000002"


def test_typed_diacritics_break_ties_but_hide_nothing(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    index_file.build([_one("1.000001", "Thuê nhà"), _one("1.000002", "Thuế nhà")], [], path)
    search = Index(path)
    assert [hit.key for hit in search.search("thuế nhà").hits] == ["1.000002", "1.000001"]
    assert [hit.key for hit in search.search("thuê nhà").hits] == ["1.000001", "1.000002"]


def test_filters_and_their_counts_follow_an_amended_document(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    index_file.build(
        [
            _one("1.000001", "Khai sinh", sector="Hộ tịch"),
            _one("1.000002", "Khai sinh lại", sector="Hộ tịch"),
        ],
        [],
        path,
    )
    index_file.amend(path, [_one("1.000002", "Khai sinh lại", sector="Tư pháp")])
    search = Index(path)
    assert search.search("khai sinh", facets=True).facets["sector"] == {"Hộ tịch": 1, "Tư pháp": 1}
    assert [hit.key for hit in search.search("khai sinh", filters={"sector": "Tư pháp"}).hits] == ["1.000002"]
    index_file.amend(path, gone=[("procedure", "1.000002")])
    assert Index(path).search("khai sinh", facets=True).facets["sector"] == {"Hộ tịch": 1}


def test_a_house_is_not_taken_for_a_particle_where_nobody_typed_diacritics(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    words = [Word("stop", ("nha",)), Word("means", ("sửa nhà",), ("cải tạo công trình",))]
    documents = [_one("1.000001", "Cải tạo công trình"), _one("1.000002", "Sửa hồ sơ")]
    index_file.build(documents, words, path)
    search = Index(path)
    assert first(search, "sua nha") == "1.000001"
    assert first(search, "sửa hồ sơ nha") == first(search, "sua ho so nha") == "1.000002"

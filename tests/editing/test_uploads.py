"""Editors hand in newer official records: they see what would change first; nothing harmful gets through."""

from __future__ import annotations

import gzip
import io
import json
import stat
import time
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from guidance import audit
from guidance.catalogue import normalise, uploads
from tests.conftest import Visitor, shared, visitor_of
from tests.editing.conftest import after, words


def record(code: str | None = "1.001193", **more: Any) -> dict[str, Any]:
    """One small official record."""
    return {
        "code": code,
        "name": "Thủ tục đăng ký khai sinh",
        "sector": "Hộ tịch",
        "level": [next(iter(normalise.LEVELS))],
        "publisher": "Bộ Tư pháp",
        "methods": [
            {"channel": next(iter(normalise.CHANNELS)), "duration": "1 Ngày làm việc", "fee": "", "note": ""}
        ],
        "url": f"https://dichvucong.gov.vn/{code}",
        **more,
    }


def jsonl(*records: Any) -> bytes:
    """Records as a file."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records).encode()


def hand_in(person: Visitor, content: bytes, name: str = "records.jsonl") -> TestResponse:
    """Send a file through the form."""
    return person.post(
        "/en/editing/uploads",
        {"file": (io.BytesIO(content), name)},
        content_type="multipart/form-data",
    )


def test_an_editor_sees_what_a_file_would_change_before_it_is_stored(
    either_app: Flask, editor: Visitor
) -> None:
    """Upload, difference, confirmation, audit; the second time nothing changes."""
    first = hand_in(editor, jsonl(record(), record("1.000001", name="Thủ tục khác")))
    address = first.headers["Location"]
    page = words(after(editor, first))
    assert "new" in page and "Thủ tục khác" in page
    assert "Thủ tục khác" not in words(visitor_of(either_app).get("/vi/procedures/1.000001"))
    assert editor.post(f"{address}/confirm").status_code == 303
    assert "Thủ tục khác" in words(visitor_of(either_app).get("/vi/procedures/1.000001"))
    assert audit.latest(1)[0].action == "catalogue.import" and audit.latest(1)[0].account == "an"
    changed = hand_in(editor, jsonl(record(), record("1.000001", name="Thủ tục đổi tên")))
    page = words(after(editor, changed))
    assert "Thủ tục khác" in page and "Thủ tục đổi tên" in page
    again = hand_in(editor, jsonl(record(), record("1.000001", name="Thủ tục khác")))
    assert "Nothing would change." in words(after(editor, again))


def test_lines_that_cannot_be_read_stop_the_file_until_somebody_says_otherwise(editor: Visitor) -> None:
    """They are named, and can be downloaded with the reasons."""
    content = jsonl(record("1.000001")) + b"{not json}\n" + jsonl(record("abc"))
    answer = hand_in(editor, content)
    address = answer.headers["Location"]
    page = words(after(editor, answer))
    assert "is not JSON" in page and "is not a procedure code" in page
    assert "Nothing was stored" in words(after(editor, editor.post(f"{address}/confirm")))
    download = editor.get(f"{address}/rejected")
    lines = [json.loads(line) for line in download.get_data(as_text=True).splitlines()]
    assert [line["line"] for line in lines] == [2, 3]
    assert "attachment" in download.headers["Content-Disposition"]
    assert "1 new" in words(after(editor, editor.post(f"{address}/confirm", {"partial": "yes"})))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"PK\x03\x04 a workbook", "records.jsonl"),
        (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "records.jsonl"),
        (b"code,name\n1.001193,x\n", "records.jsonl.gz"),
        (b"\x1f\x8bnot really gzip", "records.jsonl.gz"),
        (gzip.compress(b"[1, 2]", mtime=0), "records.jsonl"),
        (gzip.compress(jsonl({"a": 1}), mtime=0)[:-9], "records.jsonl.gz"),
        ('{"code": 1}'.encode("utf-16"), "records.jsonl"),
        (b"", "records.jsonl"),
        (b"\x00" * 1000, "records.jsonl"),
    ],
    ids=[
        "a workbook",
        "markup",
        "a table",
        "not gzip",
        "no records",
        "cut short",
        "another encoding",
        "empty",
        "zeros",
    ],
)
def test_a_file_is_judged_by_its_content_and_not_by_its_name(
    editor: Visitor, content: bytes, name: str
) -> None:
    """One sentence, nothing kept."""
    answer = hand_in(editor, content, name)
    assert answer.status_code == 422
    assert "not a file of records" in words(answer)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b'{"code": "1.000001", "name": "' + b"a" * 200_000_000 + b'"}\n'),
        gzip.compress(b'{"a":1}\n' * 30_000_000, compresslevel=1)[:9_000_000] or b"",
        b'{"a":1}\n' * 25_000,
        b'{"name": "' + b"a" * 3_000_000 + b'"}\n',
    ],
    ids=["one endless line", "endless lines", "too many lines", "a long line"],
)
def test_a_bomb_is_refused_before_anything_is_parsed(editor: Visitor, content: bytes) -> None:
    """Unpacked size, lines and length of a line are measured first; it takes well under ten seconds."""
    begin = time.monotonic()
    answer = hand_in(editor, content, "bomb.jsonl.gz")
    assert answer.status_code == 422
    assert time.monotonic() - begin < 10


def test_deeply_nested_json_is_a_rejected_line_and_no_error(editor: Visitor) -> None:
    """The parser's own limits are not the visitor's problem."""
    answer = hand_in(editor, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n")
    assert "is not JSON" in words(after(editor, answer))


def test_ten_megabytes_are_the_limit(editor: Visitor) -> None:
    """413 with a clear sentence."""
    answer = hand_in(editor, b"{" + b" " * (10 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert "too large" in words(answer)


def test_a_name_cannot_lead_out_of_the_folder_and_files_are_private(
    either_app: Flask, editor: Visitor
) -> None:
    """The file lies under its fingerprint, readable by the site alone; other addresses are 404."""
    hand_in(editor, jsonl(record("1.000001")), "../../evil.jsonl")
    with either_app.app_context():
        folder = either_app.config["SETTINGS"].data / "uploads"
        kept = list(folder.iterdir())
    assert [path.suffix for path in kept] == [".jsonl"] and len(kept[0].stem) == 64
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    for digest in ("0" * 64, "..%2f..%2fsecret", "x"):
        assert editor.get(f"/en/editing/uploads/{digest}").status_code == 404


def test_the_wrong_editor_cannot_hand_in_anything(either_app: Flask, content: object) -> None:
    """The public is sent to sign in before a byte of the file is looked at."""
    stranger = visitor_of(either_app)
    answer = hand_in(stranger, jsonl(record()))
    assert answer.status_code == 303 and "/sign-in" in answer.headers["Location"]
    assert not (either_app.config["SETTINGS"].data / "uploads").exists()


@pytest.mark.records
def test_the_real_file_is_previewed(editor: Visitor) -> None:
    """2,849 records, 17 of them quarantined, and nothing stored."""
    answer = hand_in(editor, shared("data/procedures.jsonl.gz").read_bytes(), "procedures.jsonl.gz")
    page = words(after(editor, answer))
    assert "2,849" in page and "17" in page
    assert uploads.MOST_LINES > 10_000

"""Somebody loads official records: all or nothing, twice is once, and every refusal says where and why."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from guidance.catalogue import imports
from guidance.catalogue.models import (
    ChannelOption,
    FormerKey,
    LegalBasis,
    OfficialDocument,
    OfficialRecord,
    Procedure,
    ProcedureCard,
    RecordVersion,
)
from guidance.db import Base, content_version, db, transaction
from tests.catalogue.records import load, record, write
from tests.conftest import visitor_of

TABLES: tuple[type[Base], ...] = (
    Procedure, OfficialRecord, RecordVersion, ChannelOption, OfficialDocument, LegalBasis, ProcedureCard,
)  # fmt: skip


def counts() -> list[int]:
    """How many rows the catalogue has, table by table."""
    db.session.rollback()
    return [db.session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


def test_a_file_is_stored_and_a_second_time_changes_nothing(either_app: Flask, tmp_path: Path) -> None:
    """Twice is once: no new version, no new content version."""
    path = write(tmp_path / "records.jsonl", record("1.000001"), record("1.000002"))
    first = load(either_app, path)
    assert (first.exit_code, "new 2, changed 0, unchanged 0" in first.output) == (0, True)
    stored, version = counts(), content_version()
    assert stored == [2, 2, 2, 4, 2, 2, 2]
    second = load(either_app, path)
    assert (second.exit_code, "new 0, changed 0, unchanged 2" in second.output) == (0, True)
    assert (counts(), content_version()) == (stored, version)


def test_a_newer_file_replaces_the_record_and_the_page_says_what_changed(
    either_app: Flask, tmp_path: Path
) -> None:
    """The old papers are gone, the version before is kept, the page and the feed name the change."""
    load(either_app, write(tmp_path / "a.jsonl", record("1.000001"), record("1.000002")))
    newer = record("1.000001", documents=[], conditions="Đủ 18 tuổi.")
    done = load(either_app, write(tmp_path / "b.jsonl", newer, record("1.000002"), record("1.000003")))
    assert "new 1, changed 1, unchanged 1" in done.output
    assert db.session.scalar(select(func.count()).select_from(OfficialDocument)) == 2
    reader = visitor_of(either_app)
    page = reader.get("/en/procedures/1.000001").get_data(as_text=True)
    assert "Đủ 18 tuổi." in page
    assert "conditions, papers of the file" in page
    feed = reader.get("/en/procedures.atom").get_data(as_text=True)
    assert "Changed in the official record: conditions, papers of the file." in feed
    assert feed.count("<entry") == 2  # the changed one and the one that is new, none of the first import


def test_a_dry_run_tells_the_difference_and_stores_nothing(either_app: Flask, tmp_path: Path) -> None:
    """An editor looks before saving."""
    load(either_app, write(tmp_path / "a.jsonl", record("1.000001")))
    stored, version = counts(), content_version()
    path = write(tmp_path / "b.jsonl", record("1.000001", agency="Công an cấp xã"), record("1.000002"))
    told = load(either_app, path, "--dry-run")
    assert told.exit_code == 0
    assert "1.000001: agency" in told.output
    assert "1.000002: new" in told.output
    assert (counts(), content_version()) == (stored, version)


def test_a_line_that_cannot_be_read_stops_everything_and_says_where(
    either_app: Flask, tmp_path: Path
) -> None:
    """Line, field and reason of each; exit 1; nothing stored."""
    path = write(
        tmp_path / "records.jsonl",
        record("1.000001"),
        "{not json",
        record("12345"),
        record("1.000002", methods=[{"channel": "Bồ câu"}]),
        record("1.000003", level=["Cấp huyện"]),
        record("1.000001"),
        b'{"name": "\xff"}',
        "[1]",
    )
    refused = load(either_app, path)
    assert refused.exit_code == 1
    for said in (
        "Line 2: record: is not JSON",
        "Line 3: code: code is not a procedure code",
        "Line 4: methods.0.channel: methods.0.channel must be one of Trực tuyến",
        "Line 5: level: level names Cấp huyện, which is no level of today",
        "Line 6: code: code 1.000001 stands already in line 1",
        "Line 7: record: is not UTF-8 text",
        "Line 8: record: is not a JSON object",
        "7 of 8 lines cannot be read. Nothing was stored.",
    ):
        assert said in refused.stderr
    assert counts() == [0] * len(TABLES)


def test_partial_stores_the_rest_and_writes_the_rejected_lines_with_reasons(
    either_app: Flask, tmp_path: Path
) -> None:
    """The rejected can be mended and handed in again."""
    path = write(tmp_path / "records.jsonl", record("1.000001"), "{not json", record("x"))
    rejected = tmp_path / "rejected.jsonl"
    done = load(either_app, path, "--partial", "--rejected", str(rejected))
    assert done.exit_code == 0
    assert "new 1" in done.output
    lines = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [(line["line"], line["field"]) for line in lines] == [(2, ""), (3, "code")]
    assert lines[0]["original"] == "{not json"


@pytest.mark.parametrize("damage", ["cut", "not gzip", "flipped"])
def test_a_damaged_file_changes_nothing(app: Flask, tmp_path: Path, damage: str) -> None:
    """A download that broke off, a wrong name, a flipped byte."""
    good = write(tmp_path / "good.jsonl.gz", *(record(f"1.{n:06}") for n in range(50))).read_bytes()
    middle = len(good) // 2
    broken = {
        "cut": good[:middle],
        "not gzip": b"hello",
        "flipped": good[:middle] + bytes([good[middle] ^ 255]) + good[middle + 1 :],
    }[damage]
    path = tmp_path / "records.jsonl.gz"
    path.write_bytes(broken)
    refused = load(app, path)
    assert refused.exit_code == 1
    assert "Nothing was stored." in refused.stderr
    assert counts() == [0] * len(TABLES)


def test_records_that_share_an_address_are_kept_but_not_shown(either_app: Flask, tmp_path: Path) -> None:
    """Their text belongs to another procedure: stored, reported, unpublished; the next file may free them."""
    same = "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/x"
    path = write(
        tmp_path / "a.jsonl", record("1.000001", url=same), record("1.000002", url=same), record("1.000003")
    )
    done = load(either_app, path)
    assert "published 1, quarantined 2" in done.output
    assert "Quarantined 1.000001" in done.output
    reader = visitor_of(either_app)
    assert reader.get("/vi/procedures/1.000001").status_code == 404
    assert reader.get("/vi/procedures/1.000003").status_code == 200
    load(either_app, write(tmp_path / "b.jsonl", record("1.000001"), record("1.000002", url=same)))
    assert reader.get("/vi/procedures/1.000001").status_code == 200


def test_a_procedure_without_a_code_keeps_its_address_when_the_code_comes(
    either_app: Flask, tmp_path: Path
) -> None:
    """The permanent key leads to the code, for people and for programs."""
    nameless = record(None, name="Cấp thẻ mới", url="")
    load(either_app, write(tmp_path / "a.jsonl", nameless))
    reader = visitor_of(either_app)
    assert reader.get("/vi/procedures/x-cap-the-moi").status_code == 200
    again = load(either_app, write(tmp_path / "b.jsonl", nameless | {"agency": "Công an cấp xã"}))
    assert "new 0, changed 1" in again.output
    load(either_app, write(tmp_path / "c.jsonl", record("1.777777", name="cấp  thẻ mới", url="")))
    time.sleep(1.1)  # a page kept in memory follows the content within two seconds
    moved = reader.get("/vi/procedures/x-cap-the-moi")
    assert (moved.status_code, moved.location) == (301, "/vi/procedures/1.777777?came_from=x-cap-the-moi")
    assert counts()[0] == 1
    assert db.session.scalar(select(FormerKey.successor_key)) == "1.777777"


def test_a_record_of_the_same_name_with_another_code_is_another_procedure(app: Flask, tmp_path: Path) -> None:
    """Ministry, province and commune publish under one name."""
    path = write(
        tmp_path / "a.jsonl", record("1.000001", name="Cấp phép"), record("1.000002", name="Cấp phép")
    )
    load(app, path)
    load(app, write(tmp_path / "b.jsonl", record("1.000003", name="Cấp phép")))
    assert counts()[0] == 3


def test_two_records_without_code_and_of_one_name_are_one_procedure(app: Flask, tmp_path: Path) -> None:
    """Inside one batch, too."""
    first, second = record(None, name="Cấp phép", url=""), record(None, name="CẤP PHÉP", agency="Sở", url="")
    load(app, write(tmp_path / "a.jsonl", first, second))
    assert counts()[:3] == [1, 1, 2]


def test_what_comes_out_is_what_went_in(either_app: Flask, tmp_path: Path) -> None:
    """Fields this site does not know survive, too."""
    went_in: list[dict[str, Any]] = [
        record("1.000002", unknown={"kept": ["ẩn", 1.5, None]}),
        record("1.000001", name="  Hai   dấu cách "),
    ]
    load(either_app, write(tmp_path / "in.jsonl", *went_in))
    out = tmp_path / "out.jsonl.gz"
    done = either_app.test_cli_runner().invoke(args=["catalogue", "export", str(out)])
    assert (done.exit_code, "2 records" in done.output) == (0, True)
    came_out = [json.loads(line) for line in gzip.decompress(out.read_bytes()).splitlines()]
    assert came_out == sorted(went_in, key=lambda one: one["code"])


def test_an_upgrade_that_reads_fees_better_reads_stored_records_anew(
    either_app: Flask, tmp_path: Path
) -> None:
    """The same file again would be 'unchanged'; nobody is told that the record changed, since it has not."""
    load(either_app, write(tmp_path / "a.jsonl", record("1.000001"), record("1.000002")))

    @transaction
    def as_an_older_version_read_it() -> None:
        db.session.execute(update(ChannelOption).values(fee_amount=5))

    as_an_older_version_read_it()
    assert imports.read_anew() == 2
    assert imports.read_anew() == 0
    assert set(db.session.scalars(select(ChannelOption.fee_amount))) == {0, 20_000}
    db.session.rollback()
    page = visitor_of(either_app).get("/en/procedures/1.000001").get_data(as_text=True)
    assert "20,000 đ" in page
    assert "The record changed on" not in page

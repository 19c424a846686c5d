"""Made-up official records for tests, and the command that loads them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from click.testing import Result
from flask import Flask


def record(code: str | None = "1.000001", **changes: Any) -> dict[str, Any]:
    """One record as the source gives it."""
    whole: dict[str, Any] = {
        "code": code,
        "name": f"Đăng ký thử {code}",
        "sector": "Hộ tịch",
        "level": ["Cấp xã"],
        "agency": "Ủy ban nhân dân cấp xã",
        "publisher": "Bộ Tư pháp",
        "decision": "1/QĐ-BTP",
        "sequence": "Bước 1: nộp.\nBước 2: nhận.",
        "methods": [
            {"channel": "Trực tuyến", "duration": "3 Ngày làm việc", "fee": "Miễn phí", "note": ""},
            {"channel": "Trực tiếp", "duration": "3 Ngày làm việc", "fee": "20.000 Đồng", "note": ""},
        ],
        "documents": [{"group": "Giấy tờ phải nộp", "name": "Tờ khai", "form_file": "TK.docx", "originals": 1, "copies": 0}],
        "audience": ["Công dân Việt Nam"],
        "legal_basis": [{"title": "Luật Hộ tịch 60/2014/QH13", "number": "60/2014/QH13"}],
        "result": [{"name": "Giấy chứng nhận", "code": ""}],
        "online": True,
        "url": f"https://dichvucong.gov.vn/thu-tuc-hanh-chinh/{code}",
        "source": "mirror",
    }  # fmt: skip
    return whole | changes


def write(path: Path, *records: dict[str, Any] | str | bytes) -> Path:
    """A file of records; texts and bytes go in as they stand."""
    lines = [
        one if isinstance(one, bytes) else (one if isinstance(one, str) else json.dumps(one)).encode()
        for one in records
    ]
    body = b"\n".join(lines) + b"\n"
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)
    return path


def load(site: Flask, path: Path, *more: str) -> Result:
    """Run `flask catalogue import`."""
    return site.test_cli_runner().invoke(args=["catalogue", "import", str(path), *more])

"""The threat model names its tests, and they exist."""

from __future__ import annotations

import re

from guidance.config import PROJECT


def test_every_test_that_the_threat_model_names_exists() -> None:
    """A control without a test would only be a promise."""
    named = set(re.findall(r"`(test_\w+)`", (PROJECT / "docs" / "security.md").read_text()))
    written = {
        name
        for path in (PROJECT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    assert len(named) > 40
    assert named - written == set()

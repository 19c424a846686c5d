"""Whatever an editor types is understood or named in a sentence; it never becomes a fault."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guidance.catalogue import forms
from guidance.catalogue.differences import side_by_side
from guidance.catalogue.guidance import read_starter
from guidance.guides import format as guide_format
from guidance.guides.publishing import GUIDES
from tests.editing.conftest import CONTENT

FIELDS = sorted(forms.OriginalForm()._fields) + [
    f"{part}-{number}-{name}"
    for part, row in (
        ("channels", forms.ChannelRow),
        ("sources", forms.SourceRow),
        ("interlinked", forms.ThreeLanguages),
    )
    for number in (0, 1)
    for name in row()._fields
]
TYPED = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="|#?\\ \n-az19.", max_size=40),
    st.sampled_from(
        ["2026-W01-1", "20261130", "2026-13", "٢٠٢٦-٠١", "1e9", "-1", "NaN", "999999999999", "online"]
    ),
)
GENTLE = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@GENTLE
@given(typed=st.dictionaries(st.sampled_from(FIELDS), st.lists(TYPED, max_size=2), max_size=12))
def test_any_form_is_understood_or_refused_in_sentences(app: Flask, typed: dict[str, list[str]]) -> None:
    """And what is understood comes out of its own text again, unchanged."""
    body = json.dumps({"name": ["x"], **typed})
    with app.test_request_context("/en/"):
        for lang in ("vi", "en"):
            try:
                words, facts = forms.values_of(body, lang)
            except forms.Problems as wrong:
                assert wrong.by_field
                continue
            again = forms.body_of(words, facts)
            assert forms.body_of(*forms.values_of(again, lang)) == again
        forms.lines_of(body)


@GENTLE
@given(
    text=st.one_of(
        st.text(max_size=200), st.text(max_size=100).map(lambda text: f"---\nslug: x\n{text}\n---\n")
    )
)
def test_any_guide_is_understood_or_refused_in_sentences(app: Flask, text: str) -> None:
    """Front matter can hold anything."""
    with app.test_request_context("/en/"):
        problems = GUIDES.problems("x", "vi", text)
    assert problems and all(isinstance(problem, str) and problem for problem in problems)


@GENTLE
@given(before=st.lists(st.text(max_size=20), max_size=12), after=st.lists(st.text(max_size=20), max_size=12))
def test_a_comparison_holds_every_changed_line(before: list[str], after: list[str]) -> None:
    """Equal texts show nothing; in others every line that differs can be read on its side."""
    rows = side_by_side(before, after)
    assert (rows == []) == (before == after)
    left = ["".join(text for text, _differs in row.left) for row in rows if row.kind != "new"]
    assert all(line in left for line in before if line not in after)


def test_every_shipped_procedure_survives_the_form_unchanged(app: Flask) -> None:
    """106 procedures in their languages: text, form, text."""
    with app.test_request_context("/en/"):
        for path in sorted((CONTENT / "procedures").glob("*.yaml"))[::4]:
            starter = read_starter(path)
            for lang, words in starter.words().items():
                facts = starter.facts() if lang == "vi" else None
                assert forms.values_of(forms.body_of(words, facts), lang) == (words, facts), path.name


@pytest.mark.parametrize("day", ["soon", "20261130", "2026-13", "2026-W01-1", "30/11/2026", "2026"])
def test_a_day_of_a_check_is_a_day_or_a_month(app: Flask, day: str) -> None:
    """Anything else would break the page that shows it."""
    text = (
        (CONTENT / "guides" / "vssid.vi.md").read_text().replace("verified_on: null", f'verified_on: "{day}"')
    )
    with pytest.raises(ValueError, match="verified_on"):
        guide_format.parse(text)
    with app.test_request_context("/en/"):
        body = {
            "name": ["x"],
            "sources-0-key": ["k"],
            "sources-0-title_vi": ["K"],
            "sources-0-verified_on": [day],
        }
        with pytest.raises(forms.Problems, match="2026-11-30"):
            forms.values_of(json.dumps(body), "vi")

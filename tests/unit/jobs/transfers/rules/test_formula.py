import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.families.transfers.rules.formula import escape, safe, unescape

RISKY = st.text(alphabet="'=+-@＝＋－＠ \t\r\na1é\\\"", max_size=6)


@pytest.mark.parametrize(
    "text", ["'tis", "'", "=1", "+1", "-5", "@SUM", "\t=", "\r", "  =1", "＝1"]
)
def test_a_text_that_would_be_computed_gets_one_apostrophe(text):
    assert escape(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Doors", "a=1", " a", "\u00a0=1", "5", "1-2", '"=1"'])
def test_any_other_text_stays_as_it_is(text):
    assert escape(text) == text


@pytest.mark.parametrize(
    ("cell", "text"), [("'tis", "'tis"), ("''", "'"), ("'=1", "=1"), ("''tis", "'tis"), ("'", "'")]
)
def test_one_apostrophe_is_taken_off_where_the_rest_needed_it(cell, text):
    assert unescape(cell) == text


@settings(max_examples=3_000, deadline=None)
@given(RISKY | st.text())
def test_every_text_survives_the_way_out_and_in(text):
    assert unescape(escape(text)) == text


@settings(max_examples=1_000, deadline=None)
@given(RISKY)
def test_a_cell_of_somebodys_file_means_the_same_in_a_report(cell):
    assert unescape(safe(cell)) == unescape(cell)
    assert safe(safe(cell)) == safe(cell)

"""arrays: what is written as text is what PostgreSQL reads."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tenancy.postgresql import arrays

pytestmark = pytest.mark.django_db

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read(written: str, kind: str):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::text::{kind}[]", [written])
        return cursor.fetchone()[0]


@given(st.lists(TEXTS, min_size=1))
def test_texts_come_back_whatever_is_in_them(values):
    assert read(arrays.texts(values), "text") == values


@given(st.lists(st.binary(), min_size=1))
def test_bytes_come_back(values):
    assert [bytes(one) for one in read(arrays.binary(values), "bytea")] == values


def test_words_that_mean_something_in_an_array_are_texts():
    values = ["NULL", "", "{}", '"', "\\", "a,b", " ", "\n"]

    assert read(arrays.texts(values), "text") == values


def test_numbers_and_moments_come_back_with_their_gaps():
    moment = datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=5.5)))

    assert read(arrays.numbers([1, None, -(2**63)]), "bigint") == [1, None, -(2**63)]
    assert read(arrays.moments([None, moment]), "timestamptz") == [None, moment.astimezone(UTC)]


def test_what_is_known_of_none_is_an_empty_array():
    assert arrays.numbers([None, None]) == arrays.moments([None]) == "{}"


def test_a_text_with_a_nul_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        arrays.texts(["a", "b\0c"])

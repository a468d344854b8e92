"""The time that machines whose clocks disagree agree about."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from tenancy import clock

pytestmark = pytest.mark.django_db


def postgresql() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [[at]] = cursor.fetchall()
    return at


def test_it_is_the_time_of_postgresql(monkeypatch) -> None:
    monkeypatch.setattr(clock, "_asked", None)

    before, now, after = postgresql(), clock.now(), postgresql()

    assert before <= now <= after
    assert now.tzinfo == UTC


def test_between_two_questions_it_goes_on_by_itself(django_assert_num_queries) -> None:
    first = clock.now()

    with django_assert_num_queries(0):
        assert clock.now() > first


def test_it_asks_again_when_the_answer_is_old(monkeypatch, django_assert_num_queries) -> None:
    clock.now()
    monkeypatch.setattr(clock, "ASKED_EVERY_SECONDS", 0.0)

    with django_assert_num_queries(1):
        clock.now()

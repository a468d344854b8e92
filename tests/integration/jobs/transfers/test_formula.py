"""The statement that exports, and the Python that imports, agree on every text."""

import random

import pytest
from django.db import connection

from jobs.families.transfers.rules.copy_text import escaped
from jobs.families.transfers.rules.formula import escape, escape_sql, unescape

CHARACTERS = "'=+-@＝＋－＠ \t\r\n\\\"ab1é.\u00a0\u2028|^$[](){}*"


def texts(count: int) -> list[str]:
    chance = random.Random(7)
    clears = ["(clear)", "'(clear)", " (clear)\n", "\u00a0(clear)", "(clear) sky", "''(clear) "]
    return [
        "",
        *clears,
        *("".join(chance.choices(CHARACTERS, k=chance.randrange(9))) for _ in range(count)),
    ]


@pytest.mark.django_db
def test_postgresql_marks_what_python_marks():
    known = texts(20_000)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {escape_sql('t')} FROM unnest(%s::text[]) AS t", [known])
        marked = [text for (text,) in cursor.fetchall()]

    assert marked == [escape(text) for text in known]
    assert [unescape(text) for text in marked] == known


@pytest.mark.django_db
def test_what_is_absent_stays_absent():
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {escape_sql('t')} FROM (SELECT NULL::text AS t)")

        assert cursor.fetchone() == (None,)


@pytest.mark.django_db
def test_copy_reads_the_text_that_was_written_for_it():
    known = texts(5_000)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE taken (place int, told text) ON COMMIT DROP")
        with cursor.copy("COPY taken FROM STDIN") as copy:
            for place, text in enumerate(known):
                copy.write(f"{place}\t{escaped(text)}\n")
        cursor.execute("SELECT told FROM taken ORDER BY place")

        assert [text for (text,) in cursor.fetchall()] == known

"""Deaths of one cause share a fingerprint, and no others do."""

import pytest

from jobs.ledger.failures import Failure

SAME = [
    (
        "No mission 0198c2f4-7d3b-7c51-9d0e-6f1a2b3c4d5e",
        "No mission 0198c2f4-8a00-7fff-8111-00000000000a",
    ),
    (
        "No mission 0198C2F4-7D3B-7C51-9D0E-6F1A2B3C4D5E",
        "No mission 0198c2f4-7d3b-7c51-9d0e-6f1a2b3c4d5f",
    ),
    ("Row 17 is too long", "Row 4 is too long"),
    ("Waited 30.25 s", "Waited 7 s"),
    ("Balance is -5", "Balance is 12"),
    ("Read 1,048,576 bytes of 20", "Read 7 bytes of 1,000"),
    ("Loss of 1e-05 found", "Loss of 2.5E+3 found"),
    ("Due at 2026-03-01T09:30:00Z", "Due at 2026-11-30 23:59:59.123+02:00"),
    ("Due on 2026-03-01", "Due on 2026-11-30"),
    ("No collaborator called 'Ada'", "No collaborator called 'Bob Ray'"),
    ('No collaborator called "Ada"', 'No collaborator called "O\'Neil"'),
    ("No collaborator called “Ada”", "No collaborator called “Bob”"),
    ("Bad bytes b'\\x00abc' in the file", "Bad bytes b'xyz' in the file"),
    ("550 mailbox ada@example.test unavailable", "550 mailbox bob.ray@mail.test unavailable"),
    ("<object at 0x7f3a9c0012d0>", "<object at 0x55d0aa>"),
    (
        "Digest is da39a3ee5e6b4b0d3255bfef95601890",
        "Digest is 0cc175b9c0f1b6a831c399e269772661",
    ),
    ("Request req_8fK2Lw9 was lost", "Request req_Zz91kQ0 was lost"),
    ("Connecting to 10.0.0.1:5432 failed", "Connecting to 192.168.17.40:6432 failed"),
    ("Connecting to [fe80::1]:25 failed", "Connecting to [2001:db8::5]:25 failed"),
    (
        'duplicate key violates unique constraint "x_once"\nDETAIL: Key (a, b)=(5, abc) exists.',
        'duplicate key violates unique constraint "x_once"\nDETAIL: Key (a, b)=(6, d e) exists.',
    ),
    ("Broken  pipe\n", "Broken pipe"),
    ("Record {'id': 4, 'name': 'Ada'} is bad", "Record {'id': 71, 'name': \"O'Neil\"} is bad"),
    ("https://a.test/hooks/17?n=1 is gone", "https://a.test/hooks/9?n=22 is gone"),
]

DIFFERENT = [
    ("Connection refused", "Connection reset by peer"),
    ("Can't connect, won't retry", "Can't parse it, won't retry"),
    ("The receiver answered 404", "The receiver answered 503"),
    ("HTTP 401 from the object store", "HTTP 403 from the object store"),
    ("The helper ended with exit code 137", "The helper ended with exit code 139"),
    ("'title'", "'starts_at'"),
    ("'NoneType' object has no attribute 'pk'", "'NoneType' object has no attribute 'name'"),
    ('null value in column "title"', 'null value in column "starts_at"'),
    ('violates unique constraint "mission_once"', 'violates unique constraint "project_once"'),
    ('relation "jobs_job" does not exist', 'relation "jobs_note" does not exist'),
    ("permission denied for table jobs_job", "permission denied for table tenancy_user"),
    ("division by zero", "modulo by zero"),
    ("expected int, got str", "expected str, got int"),
    ("mission_id: Field required", "title: Field required"),
    ("mission_id: Field required", "mission_id: Input should be a valid integer"),
    ("certificate has expired", "certificate is for another name"),
    ("mail.example.test refused", "smtp.example.org refused"),
    ("read timed out", "connect timed out"),
    ("No module named 'polars'", "No module named 'pyarrow'"),
    ("Row 17 is too long", "Row 17 is too short"),
    ("", "boom"),
]


def fingerprint(message="boom", **changes) -> str:
    failure = Failure(
        error_class=changes.pop("error_class", "Boom"),
        message=message,
        frame=changes.pop("frame", "jobs/families/search/index.py:17 write"),
    )
    return failure.fingerprint(
        **({"job_type": "search.index_mission", "reason": "permanent_error"} | changes)
    )


@pytest.mark.parametrize(("one", "other"), SAME)
def test_ids_times_numbers_and_quoted_values_do_not_split_a_cause(one, other):
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_causes_are_not_merged(one, other):
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    "change",
    [
        {"job_type": "search.reindex"},
        {"reason": "retries_exhausted"},
        {"error_class": "Bang"},
        {"frame": "jobs/families/search/index.py:17 delete"},
        {"frame": "jobs/families/search/query.py:17 write"},
    ],
)
def test_the_same_words_of_another_kind_or_place_are_another_cause(change):
    assert fingerprint() != fingerprint(**change)


def test_a_line_that_moved_is_still_the_same_place():
    moved = fingerprint(frame="jobs/families/search/index.py:203 write")

    assert moved == fingerprint()


def test_a_huge_message_is_read_in_time():
    quotes, digits = "'" * 4000, "1" * 4000

    assert fingerprint(quotes) != fingerprint(digits)

"""ids: UUIDv7 in their order."""

import time
import uuid

from jobs.ledger import ids


def test_ids_are_uuids_of_version_seven_that_tell_the_time():
    before = time.time_ns() // 1_000_000
    made = [uuid.UUID(bytes=one) for one in ids.each(ids.new_ids(1_000))]

    assert {(one.version, one.variant) for one in made} == {(7, uuid.RFC_4122)}
    assert all(before <= one.int >> 80 <= before + 60_000 for one in made)
    assert len({one.int & (1 << 62) - 1 for one in made}) == 1_000


def test_each_id_is_greater_than_all_before_it():
    made = [one for _ in range(50) for one in ids.each(ids.new_ids(200))]

    assert made == sorted(set(made))


def test_ids_are_written_as_postgresql_and_messages_have_them():
    some = ids.new_ids(3)
    expected = [str(uuid.UUID(bytes=one)) for one in ids.each(some)]

    assert ids.as_texts(some) == expected == [str(ids.at(some, place)) for place in range(3)]
    assert ids.as_array(some) == "{" + ",".join(expected).replace("-", "") + "}"

from datetime import timedelta

import pytest

from jobs.broker import Entry, RetryAfter
from jobs.broker.queues import Queues

HOUR = timedelta(hours=1)


def entries(group: str, count: int, organization_id: int | None = 7) -> list[Entry]:
    return [
        Entry(organization_id=organization_id, group=group, message_id=f"m{i}", body=b"b")
        for i in range(count)
    ]


def test_messages_of_one_organization_leave_in_the_order_they_came(queues, group, fetch):
    queues.enqueue(entries(group, 20))
    queues.enqueue([Entry(organization_id=7, group=group, message_id="last", body=b"b")])

    order = [leased.message_id for messages in (fetch(11), fetch(11)) for leased in messages]

    assert order == [f"m{i}" for i in range(20)] + ["last"]


def test_more_messages_than_one_script_may_move_are_enqueued_in_steps(queues, group):
    new = queues.enqueue(entries(group, 250))

    assert new == 250
    assert queues.totals(group).waiting == 250


def test_a_waiting_message_is_not_enqueued_twice(queues, group, put, fetch):
    put(7, "m")

    assert queues.enqueue([Entry(organization_id=7, group=group, message_id="m", body=b"x")]) == 0
    assert [leased.body for leased in fetch()] == [b"m"]


def test_a_delayed_message_is_not_enqueued_twice(queues, group, put):
    put(7, "m", timedelta(hours=1))

    assert queues.enqueue([entry(group, "m")]) == 0
    assert (queues.totals(group).waiting, queues.totals(group).delayed) == (0, 1)


def test_a_leased_message_is_not_enqueued_twice(queues, group, put, fetch):
    put(7, "m")
    fetch()

    assert queues.enqueue([entry(group, "m")]) == 0


def test_a_job_enqueued_again_before_it_is_acknowledged_comes_back_then(queues, group, put, fetch):
    put(7, "m")
    [leased] = fetch()
    put(7, "m")
    queues.wait(group, HOUR)

    queues.ack(group, "c1", [leased.key])

    assert queues.wait(group, HOUR)
    assert [again.key for again in fetch()] == [leased.key]
    assert queues.ack(group, "c1", [leased.key]) == 1
    assert queues.known(group, [(7, "m")]) == set()


def test_it_comes_back_no_earlier_than_it_was_to(queues, group, put, fetch):
    put(7, "m")
    [leased] = fetch()
    put(7, "m", HOUR)

    queues.ack(group, "c1", [leased.key])

    assert (queues.totals(group).waiting, queues.totals(group).delayed) == (0, 1)


def test_it_comes_back_before_the_backoff_of_its_retry(queues, group, put, fetch):
    put(7, "m")
    [leased] = fetch()
    put(7, "m")

    queues.retry(group, "c1", {leased.key: RetryAfter(delay=HOUR)})

    assert [again.key for again in fetch()] == [leased.key]


def test_a_message_that_was_given_back_comes_once(queues, group, put, fetch):
    put(7, "m")
    [leased] = fetch()
    put(7, "m")

    queues.release(group, "c1", [leased.key])
    queues.ack(group, "c1", [again.key for again in fetch()])

    assert fetch() == []


def test_a_plain_message_enqueued_again_while_it_is_leased_does_not_come_back(
    queues, group, put, fetch
):
    put(None, "m")
    [leased] = fetch()
    put(None, "m")

    queues.ack(group, "c1", [leased.key])

    assert fetch() == []


def test_an_acknowledged_message_may_come_again(queues, group, put, fetch):
    put(7, "m")
    queues.ack(group, "c1", [leased.key for leased in fetch()])

    assert queues.enqueue([entry(group, "m")]) == 1


def test_the_same_id_in_two_organizations_is_two_messages(queues, group, put, fetch):
    put(7, "m")
    put(8, "m")

    assert {leased.key for leased in fetch()} == {(7, "m"), (8, "m")}


def test_entries_of_several_groups_go_to_their_own(queues, group):
    other = f"{group}-other"
    queues.enqueue([entry(group, "a"), entry(other, "b"), entry(group, "c")])

    assert queues.totals(group).waiting == 2
    assert queues.totals(other).waiting == 1


def test_plain_messages_stand_in_a_queue_of_no_organization(queues, group, put, fetch):
    put(None, "m")

    assert [leased.organization_id for leased in fetch()] == [None]


def test_a_group_name_that_would_make_keys_ambiguous_is_refused(queues):
    with pytest.raises(ValueError, match="cannot name a queue group"):
        queues.enqueue([entry("notifications:messages", "m")])


def test_data_of_an_organization_lies_under_its_own_keys(queues: Queues, group, put, client):
    put(7, "secret")

    holding = {
        key for key in client.scan_iter(f"*{group}*") if b"secret" in (client.dump(key) or b"")
    }

    assert holding == {f"org:7:{group}".encode(), f"org:7:{group}:messages".encode()}


def entry(group: str, message_id: str) -> Entry:
    return Entry(organization_id=7, group=group, message_id=message_id, body=b"b")

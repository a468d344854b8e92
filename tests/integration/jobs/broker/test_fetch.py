from collections import Counter
from datetime import timedelta

from jobs.broker import Entry
from jobs.broker.queues import MOST_FETCHED


def load(queues, group, organization_id, count):
    queues.enqueue(
        Entry(
            organization_id=organization_id,
            group=group,
            message_id=f"{organization_id}-{i}",
            body=b"b",
        )
        for i in range(count)
    )


def test_organizations_take_turns_whoever_came_first(queues, group, fetch):
    load(queues, group, 1, 100)
    load(queues, group, 2, 2)

    served = [leased.organization_id for leased in fetch(6)]

    assert served == [1, 2, 1, 2, 1, 1]


def test_a_newcomer_is_served_next_and_cannot_save_up_turns(queues, group, fetch):
    load(queues, group, 1, 100)
    fetch(40)

    load(queues, group, 2, 100)
    served = Counter(leased.organization_id for leased in fetch(16))

    assert served == {1: 8, 2: 8}


def test_one_that_empties_its_queue_between_turns_gains_nothing(queues, group, fetch):
    load(queues, group, 1, 50)
    served = Counter()
    for turn in range(10):
        queues.enqueue(
            [Entry(organization_id=2, group=group, message_id=f"again-{turn}", body=b"b")]
        )
        served.update(leased.organization_id for leased in fetch(2))

    assert served == {1: 10, 2: 10}


def test_plain_messages_take_turns_with_organizations(queues, group, fetch):
    load(queues, group, None, 3)
    load(queues, group, 1, 3)

    served = Counter(leased.organization_id for leased in fetch(4))

    assert served == {None: 2, 1: 2}


def test_two_consumers_never_hold_the_same_message(queues, group, fetch):
    load(queues, group, 1, 10)

    first = {leased.key for leased in fetch(6, "c1")}
    second = {leased.key for leased in fetch(6, "c2")}

    assert len(first) == 6
    assert len(second) == 4
    assert not first & second


def test_nobody_fetches_more_than_one_script_may_move(queues, group, fetch):
    load(queues, group, 1, 80)

    assert len(fetch(80)) == MOST_FETCHED


def test_an_empty_group_gives_nothing_and_knows_of_nothing_due(queues, group):
    fetched = queues.fetch(group, "c1", 10)

    assert fetched.messages == []
    assert fetched.next_due is None


def test_a_consumer_that_is_full_wakes_the_next_for_what_is_left(queues, group, fetch):
    load(queues, group, 1, 3)
    queues.wait(group, timedelta(seconds=1))

    fetch(2)

    assert queues.wait(group, timedelta(seconds=1))


def test_organizations_that_have_nothing_waiting_leave_nothing_behind(queues, group, fetch, client):
    for organization_id in range(1, 41):
        load(queues, group, organization_id, 1)
    while leased := fetch():
        queues.ack(group, "c1", [one.key for one in leased])

    left = {key.decode() for key in client.scan_iter(f"*{group}*")}

    assert left <= {f"group:{group}:{name}" for name in ("state", "consumers", "wake")}


def test_a_message_whose_body_is_gone_is_passed_over(queues, group, put, fetch, client):
    put(7, "gone")
    put(7, "there")
    client.hdel(f"org:7:{group}:messages", "gone")

    assert [leased.message_id for leased in fetch()] == ["there"]

from datetime import timedelta

from jobs.broker import Entry
from jobs.broker.queues import MOST_DUE
from tests.waiting import eventually

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=1)


def test_a_delayed_message_does_not_leave_before_it_is_due(queues, group, put, fetch):
    put(7, "later", HOUR)
    put(7, "now")

    assert [leased.message_id for leased in fetch()] == ["now"]
    assert queues.totals(group).delayed == 1


def test_a_due_message_leaves_with_the_next_fetch(put, fetch):
    put(7, "m", SOON)

    [leased] = eventually(fetch)

    assert leased.message_id == "m"


def test_an_idle_consumer_learns_how_long_it_may_sleep(queues, group, put):
    put(7, "m", HOUR)

    fetched = queues.fetch(group, "c1", 10)

    assert not fetched.messages
    assert timedelta(minutes=59) < fetched.next_due <= HOUR


def test_a_consumer_that_sleeps_until_later_is_woken_by_an_earlier_one(queues, group, put):
    put(7, "late", 2 * HOUR)
    queues.wait(group, SOON)

    put(7, "early", HOUR)

    assert queues.wait(group, timedelta(seconds=1))


def test_a_later_one_wakes_nobody(queues, group, put):
    put(7, "early", HOUR)
    queues.wait(group, SOON)

    put(7, "late", 2 * HOUR)

    assert not queues.wait(group, SOON)


def test_a_fetch_moves_only_some_of_many_due_messages(queues, group):
    queues.enqueue(
        Entry(organization_id=7, group=group, message_id=f"m{i}", body=b"b", delay=SOON)
        for i in range(120)
    )

    def moved() -> bool:
        queues.fetch(group, "c1", 1)
        return queues.totals(group).delayed < 120

    eventually(moved)
    assert queues.totals(group).delayed == 120 - MOST_DUE

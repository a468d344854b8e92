"""remove: a message that must not start any more."""

from datetime import timedelta

from jobs.broker import MessageKey

HOUR = timedelta(hours=1)


def test_a_removed_message_never_starts(queues, group, put, fetch):
    put(7, "stays")
    put(7, "goes")

    assert queues.remove(group, 7, ["goes", "unknown"]) == {"goes"}

    assert [leased.message_id for leased in fetch()] == ["stays"]
    assert queues.known(group, [(7, "goes")]) == set()


def test_a_delayed_message_is_removed_too(queues, group, put):
    put(7, "m", HOUR)

    assert queues.remove(group, 7, ["m"]) == {"m"}
    assert queues.totals(group).delayed == 0


def test_a_leased_message_is_left_alone(queues, group, put, fetch):
    put(7, "m")
    fetch()

    assert queues.remove(group, 7, ["m"]) == set()
    assert queues.ack(group, "c1", [MessageKey(7, "m")]) == 1


def test_a_leased_message_that_was_to_come_back_does_not(queues, group, put, fetch):
    put(7, "m")
    [leased] = fetch()
    put(7, "m")

    queues.remove(group, 7, ["m"])
    queues.ack(group, "c1", [leased.key])

    assert fetch() == []


def test_an_organization_cannot_remove_what_another_has(queues, group, put):
    put(8, "m")

    assert queues.remove(group, 7, ["m"]) == set()
    assert queues.depth(group, 8).waiting == 1


def test_an_organization_whose_last_message_is_removed_waits_for_no_turn(queues, group, put, fetch):
    put(7, "m")
    put(8, "n")

    queues.remove(group, 7, ["m"])

    assert [depth.organization_id for depth in queues.depths(group)] == [8]
    assert [leased.message_id for leased in fetch(1)] == ["n"]

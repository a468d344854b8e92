"""ack: a message is done with."""

from datetime import timedelta

from jobs.broker import MessageKey

HOUR = timedelta(hours=1)


def test_an_acknowledged_message_is_forgotten(queues, group, put, fetch):
    put(7, "m")
    keys = [leased.key for leased in fetch()]

    assert queues.ack(group, "c1", keys) == 1
    assert queues.known(group, [(7, "m")]) == set()
    assert queues.totals(group).leased == 0


def test_acknowledging_twice_is_harmless(queues, group, put, fetch):
    put(7, "m")
    keys = [leased.key for leased in fetch()]
    queues.ack(group, "c1", keys)

    assert queues.ack(group, "c1", keys) == 0


def test_a_consumer_cannot_acknowledge_what_another_holds(queues, group, put, fetch):
    put(7, "m")
    keys = [leased.key for leased in fetch(consumer_id="c1")]

    assert queues.ack(group, "c2", keys) == 0
    assert queues.known(group, [(7, "m")]) == {(7, "m")}


def test_the_same_id_of_another_organization_is_not_acknowledged(queues, group, put, fetch):
    put(7, "m")
    put(8, "m")
    fetch()

    queues.ack(group, "c1", [MessageKey(7, "m")])

    assert queues.known(group, [(8, "m")]) == {(8, "m")}
    assert queues.totals(group).leased == 1

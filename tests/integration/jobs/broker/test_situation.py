"""situation: what one read tells about a message that is not running."""

from datetime import timedelta

from jobs.broker import Ack, Control, Entry, MessageKey, Settlement

HOUR = timedelta(hours=1)


def test_a_waiting_message_knows_what_is_before_it(queues, group, put):
    for organization_id, message_id in ((7, "a"), (7, "b"), (8, "x"), (7, "c")):
        put(organization_id, message_id)

    found = queues.situation(group, 7, "c")

    assert (found.place, found.ahead, found.delay, found.consumer) == ("waiting", 2, None, None)


def test_organizations_that_had_less_come_before(queues, group, put, fetch):
    put(7)
    put(7, "m")
    fetch(1)
    for organization_id in (8, 9):
        put(organization_id)

    assert queues.situation(group, 7, "m").owners_before == 2


def test_a_delayed_message_says_when_it_is_due(queues, group, put):
    put(7, "m", HOUR)

    found = queues.situation(group, 7, "m")

    assert found.place == "delayed"
    assert timedelta(minutes=59) < found.delay <= HOUR


def test_a_leased_message_says_who_has_it(queues, group, put, fetch):
    put(7, "m")
    fetch(consumer_id="c2")

    found = queues.situation(group, 7, "m")

    assert (found.place, found.consumer, found.leased) == ("leased", "c2", 1)
    assert found.consumers == 1


def test_an_unknown_message_is_said_to_be_so(queues, group, put):
    put(8, "m")

    found = queues.situation(group, 7, "m")

    assert (found.place, found.consumers) == ("unknown", 0)


def test_what_keeps_its_organization_back_is_told(queues, group, put, fetch):
    put(7)
    put(7, "m")
    control = Control(rate=0.001, limit=5, weight=2)
    queues.control(group, {7: control})
    fetch()

    found = queues.situation(group, 7, "m")

    assert found.control == control
    assert found.leased == 1
    assert timedelta(seconds=999) < found.next_token <= timedelta(seconds=1000)


def test_the_estimate_is_the_mean_of_its_kind(queues, group):
    def entry(message_id):
        return Entry(
            organization_id=7, group=group, message_id=message_id, body=b"b", kind="mail.send"
        )

    queues.enqueue([entry("before"), entry("m")])
    assert queues.situation(group, 7, "m").estimate is None
    queues.fetch(group, "c1", 1)
    ran = Ack(ran=timedelta(seconds=2))
    queues.settle(group, "c1", [Settlement(MessageKey(7, "before"), ran)])

    assert queues.situation(group, 7, "m").estimate == timedelta(seconds=2)

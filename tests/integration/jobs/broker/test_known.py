"""known: which messages are in Redis in any form."""

from datetime import timedelta

from jobs.broker import MessageKey

HOUR = timedelta(hours=1)


def test_known_tells_what_is_here_in_any_form_of_every_owner(queues, group, put, fetch):
    put(7, "leased")
    fetch()
    put(7, "waiting")
    put(7, "delayed", HOUR)
    put(8, "of-another")
    here = {(7, "leased"), (7, "waiting"), (7, "delayed"), (8, "of-another")}
    absent = {(7, "of-another"), (8, "waiting"), (9, "never")}

    assert queues.known(group, [MessageKey(*one) for one in sorted(here | absent)]) == here


def test_more_than_one_script_looks_at_are_asked_for_in_steps(queues, group, put):
    put(7, "last")

    asked = [*(MessageKey(of, "never") for of in range(250)), MessageKey(7, "last")]

    assert queues.known(group, asked) == {(7, "last")}

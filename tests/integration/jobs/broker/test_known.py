"""known: which messages are in Redis in any form."""

from datetime import timedelta

HOUR = timedelta(hours=1)


def test_known_tells_what_is_here_in_any_form(queues, group, put, fetch):
    put(7, "leased")
    fetch()
    put(7, "waiting")
    put(7, "delayed", HOUR)
    put(8, "of-another")

    asked = ["leased", "waiting", "delayed", "of-another", "never"]

    assert queues.known(group, 7, asked) == {"leased", "waiting", "delayed"}

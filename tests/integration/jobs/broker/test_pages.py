"""pages: all messages of some owners, a part at a time."""

from datetime import timedelta
from itertools import chain

HOUR = timedelta(hours=1)


def test_pages_name_all_messages_of_the_owners_in_whatever_form(queues, group, put, fetch):
    put(7, "leased")
    fetch()
    put(7, "waiting")
    put(7, "delayed", HOUR)
    put(8, "waiting")
    put(9, "of-another")
    theirs = {(7, "leased"), (7, "waiting"), (7, "delayed"), (8, "waiting")}

    assert set(chain(*queues.pages(group, [7, 8, 10]))) == theirs


def test_pages_of_many_are_small_and_leave_nobody_out(queues, group, put):
    for number in range(700):
        put(7, f"{number:036}")  # as many and as long as make Redis index them
    put(8, "few")

    pages = list(queues.pages(group, [7, 8]))

    assert set(chain(*pages)) == {(7, f"{number:036}") for number in range(700)} | {(8, "few")}
    assert max(map(len, pages)) < 300


def test_pages_of_owners_that_have_none_are_empty(queues, group):
    assert list(queues.pages(group, [7, 8])) == [[]]

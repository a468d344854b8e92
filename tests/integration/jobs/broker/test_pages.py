"""pages: the ids of all messages of one owner, a part at a time."""

from datetime import timedelta
from itertools import chain

HOUR = timedelta(hours=1)


def test_pages_name_all_messages_of_one_owner_in_whatever_form(queues, group, put, fetch):
    put(7, "leased")
    fetch()
    put(7, "waiting")
    put(7, "delayed", HOUR)
    put(8, "of-another")

    assert set(chain(*queues.pages(group, 7))) == {"leased", "waiting", "delayed"}


def test_pages_of_many_are_small_and_leave_nobody_out(queues, group, put):
    for number in range(700):
        put(7, f"{number:036}")  # as many and as long as make Redis index them

    pages = list(queues.pages(group, 7))

    assert set(chain(*pages)) == {f"{number:036}" for number in range(700)}
    assert max(map(len, pages)) < 300


def test_pages_of_an_owner_that_has_none_are_empty(queues, group):
    assert list(queues.pages(group, 7)) == [[]]

"""depth: how much waits for one organization."""

from datetime import timedelta

HOUR = timedelta(hours=1)


def test_depth_counts_what_waits_for_one_organization(queues, group, put, fetch):
    for organization_id in (7, 7, 7, 8):
        put(organization_id)
    put(7, "delayed", HOUR)
    fetch(1)

    assert queues.depth(group, 7).waiting == 2
    assert queues.depth(group, 8).waiting == 1
    assert queues.depth(group, 9).waiting == 0


def test_the_age_is_that_of_the_first_waiting_message(queues, group, put):
    assert queues.depth(group, 7).oldest is None
    put(7, "first")
    before = queues.depth(group, 7).oldest

    put(7, "second")

    assert queues.depth(group, 7).oldest > before

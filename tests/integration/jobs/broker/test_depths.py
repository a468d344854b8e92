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


def test_depths_lists_those_who_wait_longest_first(queues, group, put):
    for organization_id in (3, 1, 2, 3):
        put(organization_id)

    depths = queues.depths(group, limit=2)

    assert [(depth.organization_id, depth.waiting) for depth in depths] == [(3, 2), (1, 1)]
    assert depths[0].oldest > depths[1].oldest


def test_depths_never_reads_more_than_a_hundred(queues, group, put):
    for organization_id in range(120):
        put(organization_id)

    assert len(queues.depths(group, limit=1_000)) == 100


def test_totals_tell_the_size_of_the_group(queues, group, put, fetch):
    put(None)
    put(7)
    put(8, "delayed", HOUR)
    fetch(1)

    totals = queues.totals(group)

    assert (totals.waiting, totals.delayed, totals.leased) == (1, 1, 1)
    assert (totals.organizations, totals.consumers) == (1, 1)
    assert totals.oldest > timedelta(0)


def test_known_tells_what_is_here_in_any_form(queues, group, put, fetch):
    put(7, "leased")
    fetch()
    put(7, "waiting")
    put(7, "delayed", HOUR)
    put(8, "of-another")

    asked = ["leased", "waiting", "delayed", "of-another", "never"]

    assert queues.known(group, 7, asked) == {"leased", "waiting", "delayed"}

"""depths: who waits longest, page by page."""

from datetime import timedelta

HOUR = timedelta(hours=1)


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


def test_all_organizations_are_seen_page_by_page(queues, group, put):
    for organization_id in range(25):
        put(organization_id)

    assert every(queues, group) == list(range(25))


def test_those_that_became_ready_at_once_are_all_seen(queues, group, client):
    client.zadd(f"group:{group}:heads", {f"org:{number}": 5 for number in range(25)})

    assert sorted(every(queues, group)) == list(range(25))


def test_nobody_is_left_out_when_the_last_of_a_page_has_gone_on(queues, group, put, client):
    for organization_id in range(9):
        put(organization_id)
    [*_, last] = queues.depths(group, limit=4)
    client.zrem(f"group:{group}:heads", f"org:{last.organization_id}")

    following = queues.depths(group, after=last)

    assert [depth.organization_id for depth in following] == [4, 5, 6, 7, 8]


def every(queues, group):
    seen = page = queues.depths(group, limit=4)
    for _ in range(10):
        page = queues.depths(group, limit=4, after=page[-1]) if page else []
        seen = seen + page
    return [depth.organization_id for depth in seen]

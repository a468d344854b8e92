"""From the ledger into Redis, broken: enqueue, capacity, holds, relay, recovery, figures."""

from tests.mutation.sql.statement import breaking

HOLDS = ("test_end_holds.py", "test_release.py", "test_capacity.py", "test_drain.py")

alive = breaking("alive")
confirm = breaking("confirm")
ENQUEUE = (
    "test_enqueue.py",
    "test_idempotency.py",
    "test_drain.py",
    "test_capacity.py",
    "test_publish.py",
)
enqueue = breaking("enqueue", *ENQUEUE)
enqueue_one = breaking("enqueue_one", *ENQUEUE)
finished = breaking("finished")
held = breaking("held", *HOLDS, "../execution/breaker/test_step.py")
hold_back = breaking("hold_back", "test_capacity.py")
in_line = breaking("in_line", "test_recover.py", "test_sweep.py")
is_held = breaking("is_held", "test_capacity.py")
known_keys = breaking("known_keys", "test_known_keys.py", "test_idempotency.py")
publish = breaking("publish", "test_publish_due.py")
relay_lag = breaking("relay_lag")
unhold = breaking("unhold", *HOLDS)

UNPUBLISHED_LATE = "clock_timestamp() - %(patience)s::interval"

MUTATIONS = (
    enqueue(
        "a drained queue's jobs are due",
        "CASE WHEN w.is_draining OR w.run_at > now()",
        "CASE WHEN w.run_at > now()",
    ),
    enqueue(
        "a drained queue's jobs go in line", "AND c.is_draining IS NOT TRUE AS is_due", "AS is_due"
    ),
    enqueue(
        "a drained queue's jobs have no hold", "CASE WHEN w.is_draining THEN 'draining' END", "NULL"
    ),
    enqueue(
        "what is for later is due",
        "CASE WHEN w.is_draining OR w.run_at > now()",
        "CASE WHEN w.is_draining",
    ),
    enqueue("what is for later goes in line", "(w.run_at IS NULL OR w.run_at <= now())", "true"),
    enqueue(
        "what is for later is no exception",
        "w.run_at > now() OR c.organization_id",
        "c.organization_id",
    ),
    enqueue("what is for later runs now", "coalesce(w.run_at, now())", "now()"),
    enqueue(
        "says that a known key made one",
        "(u.id IN (SELECT job_id FROM new_keys)) IS TRUE AS created",
        "true AS created",
    ),
    enqueue("a known key is no exception", "WHERE NOT w.created OR", "WHERE"),
    enqueue(
        "a job for each key that is known",
        "WHERE (w.id IN (SELECT job_id FROM new_keys)) IS TRUE",
        "WHERE true",
    ),
    enqueue(
        "of a key twice in a batch the last one makes it",
        "ORDER BY w.organization_id, w.key, w.id",
        "w.key, w.id DESC\n",
    ),
    enqueue("locks keys out of order", "ORDER BY w.organization_id, w.key, w.id", "ORDER BY w.id"),
    enqueue(
        "the control of another group",
        "queue_group = %(queue_group)s AND (",
        "queue_group <> %(queue_group)s AND (",
    ),
    enqueue(
        "the drain of another organization",
        "u.organization_id IN (SELECT organization_id FROM controls WHERE is_draining)",
        "EXISTS (SELECT FROM controls WHERE is_draining)",
    ),
    enqueue(
        "the control of another organization",
        "c ON c.organization_id = w.organization_id",
        "c ON true",
    ),
    enqueue("a capacity is no exception", " OR c.organization_id IS NOT NULL", ""),
    enqueue_one("into a limited queue, too", "is_draining OR capacity IS NOT NULL", "is_draining"),
    enqueue_one("into a drained queue, too", "is_draining OR capacity", "capacity"),
    enqueue_one(
        "the control of another group",
        "queue_group = %(queue_group)s\n",
        "queue_group <> %(queue_group)s\n",
    ),
    enqueue_one(
        "for an organization that does not exist",
        "EXISTS (SELECT FROM tenancy_organization WHERE id = %(organization_id)s::bigint)\n",
        "true\n",
    ),
    enqueue(
        "an organization that does not exist",
        "w.project_id IS NOT NULL OR w.organization_id IN (",
        "true OR w.organization_id IN (",
    ),
    known_keys("of another organization", "USING (organization_id, key)", "ON k.key = w.key"),
    hold_back(
        "of another organization",
        "WHERE organization_id = %(organization_id)s AND",
        "WHERE %(organization_id)s IS NOT NULL AND",
    ),
    hold_back("what a worker has begun", " AND state = 'queued'", ""),
    hold_back("stays due", "state = 'scheduled', ", ""),
    is_held(
        "of another organization",
        "organization_id = %(organization_id)s AND",
        "%(organization_id)s IS NOT NULL AND",
    ),
    is_held("of another group", "queue_group = %(queue_group)s", "%(queue_group)s <> ''"),
    is_held("by another cause", "hold = %(hold)s", "hold <> '' AND %(hold)s <> ''"),
    held("of suspended organizations", " AND o.state = 'active'", ""),
    held("what is drained", "NOT coalesce(c.is_draining, false)", "true"),
    held("what waits for a breaker", "ELSE false", "ELSE true"),
    held("never what had no room", "WHEN 'capacity' THEN true", "WHEN 'capacity' THEN false"),
    held(
        "never what was suspended",
        "'organization_suspended' THEN true",
        "'organization_suspended' THEN false",
    ),
    held("the first queue only", "> (h.organization_id", "< (h.organization_id"),
    held("always the same ones", "ORDER BY random() LIMIT", "ORDER BY 1, 2, 3 LIMIT"),
    held("more than asked", "LIMIT %(limit)s\n", "LIMIT %(limit)s + 1000\n"),
    held("the control of another group", " AND c.queue_group = h.queue_group", ""),
    held(
        "the control of another organization", "ON c.organization_id = h.organization_id AND", "ON"
    ),
    unhold("the youngest first", "ORDER BY j.id LIMIT f.most", "ORDER BY j.id DESC LIMIT f.most"),
    unhold("more than there is room for", "LIMIT f.most FOR", "FOR"),
    unhold("other causes", " AND j.hold = f.hold", ""),
    unhold("other groups", "\n            AND j.queue_group = f.queue_group", ""),
    unhold("other organizations", "j.organization_id = f.organization_id AND", ""),
    unhold("waits for who holds one", "f.most FOR UPDATE SKIP LOCKED", "f.most FOR UPDATE"),
    unhold("more than asked", "    LIMIT %(limit)s\n", "    LIMIT %(limit)s + 1000\n"),
    publish("what is held", "AND hold IS NULL AND run_at", "AND run_at"),
    publish("before its time", "run_at <= clock_timestamp()\n", "true\n"),
    publish("nothing that a crash left", " UNION ALL SELECT * FROM unpublished", ""),
    publish(
        "without a moment's patience",
        "run_at) < clock_timestamp() - %(patience)s::interval",
        "run_at) < clock_timestamp() + %(patience)s::interval",
    ),
    publish("by when it was made", "greatest(created_at, run_at) <", "created_at <"),
    publish("it stays scheduled", "SET state = 'queued' FROM", "SET state = 'scheduled' FROM"),
    publish("what was published", " AND published_at IS NULL\n", "\n"),
    publish(
        "waits for another relay's due ones",
        "ORDER BY run_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
        "ORDER BY run_at LIMIT %(limit)s FOR UPDATE",
    ),
    publish(
        "waits for another relay's unpublished ones",
        "ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
        "ORDER BY created_at LIMIT %(limit)s FOR UPDATE",
    ),
    publish("the latest first", "ORDER BY run_at LIMIT", "ORDER BY run_at DESC LIMIT"),
    publish(
        "more than a batch",
        "ORDER BY run_at LIMIT %(limit)s",
        "ORDER BY run_at LIMIT %(limit)s + 999",
    ),
    confirm("notes nothing", "SET published_at = clock_timestamp()", "SET published_at = NULL"),
    confirm("what was noted before", " AND published_at IS NULL", ""),
    confirm("in any state", " AND state = 'queued'", ""),
    in_line("forgets what backs off", "'queued', 'retrying', 'running'", "'queued', 'running'"),
    in_line("forgets what runs", "'queued', 'retrying', 'running'", "'queued', 'retrying'"),
    in_line("in any state", "state IN ('queued', 'retrying', 'running') AND id", "id"),
    in_line(
        "without its delay",
        "greatest(extract(epoch FROM run_at - clock_timestamp()), 0)::float",
        "0.0::float",
    ),
    in_line(
        "what was just claimed",
        "greatest(run_at, published_at, claimed_at)",
        "greatest(run_at, published_at)",
    ),
    in_line(
        "what was just published",
        "greatest(run_at, published_at, claimed_at)",
        "greatest(run_at, claimed_at)",
    ),
    in_line(
        "what is just due",
        "greatest(run_at, published_at, claimed_at)",
        "greatest(published_at, claimed_at)",
    ),
    in_line("pages out of order", "ORDER BY id LIMIT", "ORDER BY id DESC LIMIT"),
    relay_lag("of what is held", " AND hold IS NULL", ""),
    relay_lag("of what was published", " AND published_at IS NULL", ""),
    relay_lag("since it was made", "min(greatest(created_at, run_at))", "min(created_at)"),
    relay_lag("of what is due never", "(SELECT min(run_at) FROM", "(SELECT max(run_at) FROM"),
    relay_lag("less than none", "greatest(0, extract", "greatest(extract"),
    alive("those that signed off", "stopped_at IS NULL AND", ""),
    alive(
        "those that fell silent",
        "seen_at > clock_timestamp() - %(lease)s::interval",
        "%(lease)s::interval IS NOT NULL",
    ),
    finished("what is given back counts", "AND a.outcome IN ('succeeded', 'failed', 'lost')", ""),
    finished("the last moment of it", "a.ended_at < %(until)s", "a.ended_at <= %(until)s"),
    finished("not its first moment", "a.ended_at >= %(since)s", "a.ended_at > %(since)s"),
    finished(
        "what was lost is no retry",
        "a.outcome = 'lost' OR a.retry_at IS NOT NULL",
        "a.retry_at IS NOT NULL",
    ),
    finished(
        "what is retried is dead",
        "a.outcome = 'failed' AND a.retry_at IS NULL",
        "a.outcome = 'failed'",
    ),
    finished(
        "what was lost is dead",
        "a.outcome = 'failed' AND a.retry_at IS NULL",
        "a.outcome <> 'succeeded' AND a.retry_at IS NULL",
    ),
    finished("what succeeded failed", "a.outcome <> 'succeeded'", "a.outcome <> ''"),
)

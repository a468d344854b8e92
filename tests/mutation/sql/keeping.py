"""check and retention, broken: what is mended, and what is removed.

Not listed, because nothing can tell: the organization beside a job's id in attempts and dead
letters, which is there for the index; a composite key holds the two together; and that a letter
which goes is not open, which is there for the index, too: an open one was never handled.
"""

from tests.mutation.sql.statement import breaking

RETENTION = "../test_retention.py"

mend_holds = breaking("mend_holds", "test_mend.py", "test_check.py")
mend_letters = breaking("mend_letters", "test_mend.py", "test_check.py")
misfits = breaking("misfits", "test_check.py")
not_in_line = breaking("not_in_line", "test_check.py")
finished = breaking("remove_finished", RETENTION)
keys = breaking("remove_keys", RETENTION)
letters = breaking("remove_letters", RETENTION)
workers = breaking("remove_workers", RETENTION)

MUTATIONS = (
    mend_holds(
        "those behind a breaker that is there", "    AND NOT EXISTS (", "    OR NOT EXISTS ("
    ),
    mend_holds("another hold", " AND j.hold = 'breaker'", ""),
    mend_holds("of another organization", "j.organization_id = w.organization_id AND", ""),
    mend_holds("jobs remember the breaker", "hold = NULL, breaker_id = NULL", "hold = NULL"),
    mend_letters("what is not dead", "WHERE j.state = 'dead'", "WHERE true"),
    mend_letters("of another organization", "j.organization_id = w.organization_id AND", ""),
    mend_letters("fails for one that has a letter", "ON CONFLICT DO NOTHING\n", ""),
    misfits("dead ones with a letter", " AND d.state = 'open'", " AND d.state = 'x'"),
    misfits("a handled letter is enough", " AND d.state = 'open'", ""),
    misfits("letters of what is not dead", "j.state = 'dead' AND NOT", "true AND NOT"),
    misfits(
        "unpublished at once",
        "< clock_timestamp() - %(patience)s::interval\n    ORDER",
        "< clock_timestamp() - 0 * %(patience)s::interval\n    ORDER",
    ),
    misfits("what was published", " AND published_at IS NULL\n", "\n"),
    misfits("unpublished in any state", "state = 'queued' AND published_at", "published_at"),
    misfits("behind a breaker that is there", "b.id = j.breaker_id", "b.id < 0"),
    misfits(
        "behind the breaker of another organization",
        "b.organization_id = j.organization_id AND b.id",
        "b.id",
    ),
    misfits("any hold", "j.hold = 'breaker' AND NOT", "j.hold IS NOT NULL AND NOT"),
    misfits("a worker that signed off is there", " AND v.stopped_at IS NULL", ""),
    misfits(
        "a worker that fell silent is there",
        "            AND v.seen_at > clock_timestamp() - %(lease)s::interval\n",
        "            AND %(lease)s::interval IS NOT NULL\n",
    ),
    misfits("no worker is there", "v.id = j.worker_id", "v.id = ''"),
    not_in_line("of another organization", " AND j.organization_id = w.organization_id", ""),
    not_in_line("of another group", "j.queue_group = %(queue_group)s", "%(queue_group)s <> ''"),
    not_in_line("finished or held", " AND j.state IN ('queued', 'retrying', 'running')", ""),
    not_in_line("forgets what backs off", "'queued', 'retrying', 'running'", "'queued', 'running'"),
    not_in_line("forgets what runs", "'retrying', 'running'", "'retrying'"),
    not_in_line("forgets what waits", "'queued', 'retrying'", "'retrying'"),
    finished(
        "succeeded ones at once", "j.finished_at < now() - %(keep_succeeded)s::interval", "true"
    ),
    finished(
        "succeeded ones never", "j.finished_at < now() - %(keep_succeeded)s::interval", "false"
    ),
    finished(
        "cancelled ones at once", "j.finished_at < now() - %(keep_cancelled)s::interval", "true"
    ),
    finished(
        "cancelled ones never", "j.finished_at < now() - %(keep_cancelled)s::interval", "false"
    ),
    finished("those with an open letter", " AND d.state = 'open'", " AND d.state = 'x'"),
    finished("waits for who holds one", "FOR UPDATE OF j SKIP LOCKED", "FOR UPDATE OF j"),
    finished(
        "leaves attempts",
        "WHERE a.organization_id = g.organization_id AND a.job_id = g.id",
        "WHERE false AND a.job_id = g.id",
    ),
    finished(
        "leaves letters",
        "WHERE d.organization_id = g.organization_id AND d.job_id = g.id",
        "WHERE false AND d.job_id = g.id",
    ),
    finished(
        "goes on after the first of a page", "ORDER BY id DESC LIMIT 1", "ORDER BY id LIMIT 1"
    ),
    finished("begins every page anew", "id > %(after)s::uuid", "%(after)s::uuid IS NOT NULL"),
    finished("looks only as far as the longer time", "uuidv7(-least(", "uuidv7(-greatest("),
    finished(
        "pages without a bound", "ORDER BY id LIMIT %(limit)s", "ORDER BY id LIMIT %(limit)s + 900"
    ),
    finished("pages out of order", "    ORDER BY id LIMIT", "    ORDER BY id DESC LIMIT"),
    keys("young ones", "WHERE p.created_at < now() - %(keep)s::interval\n        AND", "WHERE"),
    keys(
        "those whose job is there",
        "AND NOT EXISTS (SELECT FROM jobs_job j WHERE j.id = k.job_id)",
        "",
    ),
    keys("begins every page anew", "id > %(after)s::bigint", "%(after)s::bigint IS NOT NULL"),
    keys("goes on after the first of a page", "max(id)", "min(id)"),
    keys(
        "pages without a bound", "ORDER BY id LIMIT %(limit)s", "ORDER BY id LIMIT %(limit)s + 900"
    ),
    letters("those of jobs", "job_id IS NULL AND", ""),
    letters(
        "young ones", "handled_at < now() - %(keep)s::interval", "%(keep)s::interval IS NOT NULL"
    ),
    letters("waits for who holds one", "FOR UPDATE SKIP LOCKED", "FOR UPDATE"),
    letters("the youngest first", "ORDER BY handled_at LIMIT", "ORDER BY handled_at DESC LIMIT"),
    letters("more than asked", "LIMIT %(limit)s FOR", "LIMIT %(limit)s + 900 FOR"),
    workers(
        "those that live", "seen_at < now() - %(keep)s::interval", "%(keep)s::interval IS NOT NULL"
    ),
)

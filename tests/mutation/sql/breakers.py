"""breaker_*.sql: a destination that fails gets a rest, one job tries, the others go on, paced.

Not listed, because nothing can tell: `SKIP LOCKED` on the jobs of a breaker (whoever moves them
locks the breaker first); the organization beside a breaker's id, which is there for the index;
what `breaker_spared` asks beside the job that tries, which tries at one destination only; and what
`breaker_hold` asks of a job that its transaction has just held under its fence.
"""

from tests.mutation.sql.statement import breaking

BREAKER = "../execution/breaker"

close = breaking("breaker_close", BREAKER)
drain = breaking("breaker_drain", BREAKER)
enter = breaking("breaker_enter", BREAKER)
failed = breaking("breaker_failed", BREAKER)
forget = breaking("breaker_forget", BREAKER)
hold = breaking("breaker_hold", BREAKER)
probe = breaking("breaker_probe", BREAKER)
spared = breaking("breaker_spared", BREAKER)
succeeded = breaking("breaker_succeeded", BREAKER)

OF = "WHERE organization_id = %(organization_id)s AND job_type = %(job_type)s"
OF_ANYBODY = "WHERE %(organization_id)s IS NOT NULL AND job_type = %(job_type)s"
OF_ANY_TYPE = "WHERE organization_id = %(organization_id)s AND %(job_type)s IS NOT NULL"
TO = "destination = %(destination)s"
ANYWHERE = "%(destination)s IS NOT NULL"

MUTATIONS = (
    close("closes what is closed", " AND open_until IS NOT NULL", ""),
    close("keeps the openings", " openings = 0,", ""),
    close("keeps the failures", "failures = 0, ", ""),
    close("stays open", " open_until = NULL,", ""),
    close("keeps the probe", ", probe_job_id = NULL, probe_until = NULL", ""),
    close("of another organization", OF, OF_ANYBODY),
    close("of another job type", OF, OF_ANY_TYPE),
    close("of another destination", TO, ANYWHERE),
    drain("those that are open, too", "WHERE open_until IS NULL", "WHERE true"),
    drain("all at once", "LIMIT c.pace FOR", "FOR"),
    drain("never faster", "c.pace * 2", "c.pace"),
    drain("without a bound", "least(c.pace * 2, %(fastest)s)", "c.pace * 2 + 0 * %(fastest)s"),
    drain("always the same ones first", "stepped_at LIMIT", "stepped_at DESC LIMIT"),
    drain("keeps its place in the turn", ", stepped_at = clock_timestamp()", ""),
    drain("jobs of other breakers", "AND j.breaker_id = c.id AND", "AND"),
    drain(
        "jobs held by something else",
        "AND j.breaker_id = c.id AND j.hold = 'breaker'",
        "AND j.breaker_id = c.id",
    ),
    drain("the youngest first", "ORDER BY j.id LIMIT", "ORDER BY j.id DESC LIMIT"),
    drain("breakers that hold nothing take a turn", "        AND EXISTS (", "        OR EXISTS ("),
    drain("more breakers than asked", "LIMIT %(limit)s FOR", "LIMIT %(limit)s + 1000 FOR"),
    drain(
        "waits for another scheduler", "%(limit)s FOR UPDATE SKIP LOCKED", "%(limit)s FOR UPDATE"
    ),
    drain("jobs remember the breaker", "hold = NULL, breaker_id = NULL", "hold = NULL"),
    enter("asks closed ones, too", " AND open_until IS NOT NULL", ""),
    enter("many try at once", "probe_job_id IS NULL OR", "true OR"),
    enter("the one that tries is held", " OR probe_job_id = %(job_id)s", ""),
    enter("one that is lost tries for ever", " OR probe_until <= clock_timestamp()", ""),
    enter("before its time", "open_until <= clock_timestamp() AND", "true AND"),
    enter(
        "nobody becomes the probe",
        "FROM shut s WHERE b.id = s.id AND s.is_probe",
        "FROM shut s WHERE b.id = s.id AND false",
    ),
    enter("the held become the probe", "WHERE b.id = s.id AND s.is_probe", "WHERE b.id = s.id"),
    enter(
        "no time for the probe",
        ", probe_until = clock_timestamp() + %(probe_for)s::interval",
        ", probe_until = clock_timestamp() + 0 * %(probe_for)s::interval",
    ),
    enter("two become the probe at once", "    FOR UPDATE\n", ""),
    enter("of another organization", OF, OF_ANYBODY),
    enter("of another job type", OF, OF_ANY_TYPE),
    enter("of another destination", TO, ANYWHERE),
    failed(
        "others than the probe count", "OR b.probe_job_id = %(job_id)s", "OR %(job_id)s IS NOT NULL"
    ),
    failed("the probe does not count", " OR b.probe_job_id = %(job_id)s", ""),
    failed("never longer", "power(2, least(b.openings, 30))", "1"),
    failed(
        "without a longest",
        "%(longest)s::interval, %(open_for)s",
        "interval '9 years', %(open_for)s",
    ),
    failed("overflows", "least(b.openings, 30)", "b.openings"),
    failed("the probe stays", "    probe_job_id = NULL,\n", ""),
    failed("its pace stays", "    pace = 1,", "   "),
    failed("when it failed is forgotten", "    failed_at = clock_timestamp(),\n", ""),
    failed(
        "a threshold of one needs two",
        "(%(threshold)s <= 1)::int,\n    CASE WHEN %(threshold)s <= 1",
        "(%(threshold)s <= 0)::int,\n    CASE WHEN %(threshold)s <= 0",
    ),
    failed(
        "one failure too late",
        "b.failures + 1 >= %(threshold)s\n        THEN",
        "b.failures >= %(threshold)s\n        THEN",
    ),
    failed(
        "counts no openings",
        "(b.open_until IS NOT NULL OR b.failures + 1 >= %(threshold)s)::int",
        "0",
    ),
    failed("counts no failures", "SET failures = b.failures + 1", "SET failures = b.failures"),
    forget("those that hold jobs", "AND NOT EXISTS (", "AND EXISTS (SELECT) OR EXISTS ("),
    forget("those that fail", "open_until IS NULL AND failures = 0", "open_until IS NULL"),
    forget("those that are open", "open_until IS NULL AND failures = 0", "failures >= 0"),
    forget("none that nobody asked for", "greatest(failed_at, open_until) <", "NULL <"),
    forget("what opened for long", "greatest(failed_at, open_until)", "failed_at"),
    forget("waits for a worker", "FOR UPDATE SKIP LOCKED", "FOR UPDATE"),
    forget("more than asked", "LIMIT %(limit)s FOR", "LIMIT %(limit)s + 1000 FOR"),
    hold(
        "notes no breaker",
        "SET breaker_id = %(breaker_id)s",
        "SET breaker_id = nullif(%(breaker_id)s, %(breaker_id)s)",
    ),
    probe(
        "before its time", "WHERE open_until <= clock_timestamp()", "WHERE open_until IS NOT NULL"
    ),
    probe(
        "another one beside the one that tries",
        "(probe_job_id IS NULL OR probe_until <= clock_timestamp())",
        "true",
    ),
    probe("one that is lost tries for ever", " OR probe_until <= clock_timestamp()", ""),
    probe("all try", "ORDER BY j.id LIMIT 1 FOR", "ORDER BY j.id FOR"),
    probe("the youngest tries", "ORDER BY j.id LIMIT 1", "ORDER BY j.id DESC LIMIT 1"),
    probe("nobody knows who tries", "SET probe_job_id = f.id, probe_until", "SET probe_until"),
    probe(
        "no time for it",
        "probe_until = clock_timestamp() + %(patience)s::interval",
        "probe_until = clock_timestamp() + 0 * %(patience)s::interval",
    ),
    probe("keeps its place in the turn", ",\n        stepped_at = clock_timestamp()", ""),
    probe(
        "always the same ones first", "ORDER BY stepped_at LIMIT", "ORDER BY stepped_at DESC LIMIT"
    ),
    probe(
        "breakers that hold nothing take a turn",
        "        AND EXISTS (",
        "        AND (true) OR EXISTS (",
    ),
    probe("jobs of other breakers", "AND j.breaker_id = d.id AND", "AND"),
    probe(
        "jobs held by something else",
        "AND j.breaker_id = d.id AND j.hold = 'breaker'",
        "AND j.breaker_id = d.id",
    ),
    probe("more breakers than asked", "LIMIT %(limit)s FOR", "LIMIT %(limit)s + 1000 FOR"),
    probe(
        "waits for another scheduler", "%(limit)s FOR UPDATE SKIP LOCKED", "%(limit)s FOR UPDATE"
    ),
    probe("jobs remember the breaker", "hold = NULL, breaker_id = NULL", "hold = NULL"),
    spared("by anybody", " AND probe_job_id = %(job_id)s", " AND %(job_id)s IS NOT NULL"),
    spared("the probe stays", "SET probe_job_id = NULL,", "SET probe_job_id = probe_job_id,"),
    succeeded(
        "any success closes it", "OR probe_job_id = %(job_id)s)", "OR %(job_id)s IS NOT NULL)"
    ),
    succeeded(
        "the probe's does not close it", " OR probe_job_id = %(job_id)s)", " OR %(job_id)s IS NULL)"
    ),
    succeeded(
        "failures are not forgotten while it is closed",
        "open_until IS NULL AND failures > 0",
        "false",
    ),
    succeeded("its failures stay", "SET failures = 0, open_until", "SET open_until"),
    succeeded("the probe stays", ", probe_job_id = NULL, probe_until = NULL", ""),
    succeeded("says that it closed what was closed", "old.open_until IS NOT NULL", "true"),
    succeeded("of another organization", OF, OF_ANYBODY),
    succeeded("of another job type", OF, OF_ANY_TYPE),
    succeeded("of another destination", TO, ANYWHERE),
)

"""What an attempt does in the ledger, broken: claim, start, effect, every end, and signs of life.

Not listed, because nothing can tell: the organization beside a job's id in attempts, which is
there for the index; a composite key holds the two together.
"""

from tests.mutation.sql.statement import Broken, breaking

begin_effect = breaking("begin_effect", "test_begin_effect.py", "test_fence.py")
beat = breaking("beat")
bury = breaking("bury", "test_bury.py", "test_fence.py", "test_stop.py")
bury_message = breaking("bury_message", "../execution/test_messages.py")
claim = breaking(
    "claim",
    "test_claim.py",
    "test_claim_takeover.py",
    "test_claim_suspects.py",
    "test_start.py",
    "test_claim_at_once.py",
)
give_back = breaking("give_back")
lock = breaking("lock", "test_claim_at_once.py", "test_claim.py")
release = breaking("release", "test_release.py", "test_hold.py", "test_fence.py")
retry = breaking("retry", "test_retry.py", "test_claim_suspects.py", "test_fence.py")
settle = breaking(
    "settle", "test_settle.py", "test_claim_suspects.py", "test_begin_effect.py", "test_fence.py"
)
settle_many = breaking("settle_many", "../execution/test_together.py")
sign_off = breaking("sign_off", "test_sign_off.py")
start = breaking("start", "test_start.py", "test_fence.py")
start_many = breaking("start_many", "../execution/test_together.py")
stop = breaking("stop", "test_stop.py", "test_fence.py")

OF = "WHERE organization_id = %(organization_id)s AND id = %(job_id)s"
OF_ANYBODY = "WHERE %(organization_id)s IS NOT NULL AND id = %(job_id)s"
PAIR = "j.organization_id = w.organization_id AND j.id"


def fenced(broken: Broken) -> tuple:
    """What every statement under a fence has to ask."""
    return (
        broken(
            "drops the fence",
            "state = 'running' AND fence = %(fence)s",
            "state = 'running' AND %(fence)s IS NOT NULL",
        ),
        broken("of a job that does not run", "state = 'running' AND fence", "fence"),
        broken("of another organization", OF, OF_ANYBODY),
    )


def closing(broken: Broken) -> tuple:
    """What every statement that ends an attempt has to do."""
    return (
        broken("ends earlier attempts, too", "\n        AND a.fence = %(fence)s", ""),
        broken(
            "leaves the attempt open",
            "WHERE a.organization_id = %(organization_id)s AND a.job_id",
            "WHERE false AND a.job_id",
        ),
    )


MUTATIONS = (
    lock("nothing", "LIMIT 1 FOR UPDATE", "LIMIT 1 FOR KEY SHARE"),
    lock("leaves out what another one locks", "1 FOR UPDATE", "1 FOR UPDATE SKIP LOCKED"),
    lock("of another organization", PAIR, "j.id"),
    claim("of another organization", PAIR, "j.id"),
    claim("the same fence again", "fence = j.fence + 1", "fence = j.fence"),
    claim(
        "takes from the living",
        "f.state = 'running' AND f.held_until IS NULL)",
        "f.state = 'running')",
    ),
    claim("takes nothing from the dead", "OR (f.state = 'running' AND f.held_until IS NULL)", ""),
    claim("what is not due", " AND f.run_at <= clock_timestamp())\n", ")\n"),
    claim("not what backed off", "f.state IN ('queued', 'retrying') AND", "f.state = 'queued' AND"),
    claim(
        "counts no attempt",
        "attempt = j.attempt + (j.state <> 'running')::int",
        "attempt = j.attempt",
    ),
    claim("a death uses up a retry", "j.attempt + (j.state <> 'running')::int", "j.attempt + 1"),
    claim(
        "counts no loss",
        "losses = j.losses + (j.state = 'running' AND j.started_at IS NOT NULL)::int",
        "losses = j.losses",
    ),
    claim(
        "what had not started is lost",
        "losses = j.losses + (j.state = 'running' AND j.started_at IS NOT NULL)",
        "losses = j.losses + (j.state = 'running')",
    ),
    claim("keeps its worker", "worker_id = %(worker_id)s,\n        published_at", "published_at"),
    claim(
        "does not note that Redis had it",
        "coalesce(j.published_at, clock_timestamp())",
        "j.published_at",
    ),
    claim("notes it anew", "coalesce(j.published_at, clock_timestamp())", "clock_timestamp()"),
    claim("no time of the claim", "claimed_at = clock_timestamp(),", "claimed_at = NULL,"),
    claim("keeps the start of before", ",\n        started_at = NULL", ""),
    claim("a worker that signed off lives", " AND v.stopped_at IS NULL", ""),
    claim("a worker lives for ever", "AND v.seen_at > clock_timestamp() - %(lease)s::interval", ""),
    claim("any worker keeps it", "v.id = j.worker_id", "v.id <> ''"),
    claim(
        "what it does not know it has is held",
        "AND (v.id <> %(worker_id)s OR j.started_at IS NOT NULL)",
        "",
    ),
    claim(
        "takes what it runs itself",
        "(v.id <> %(worker_id)s OR j.started_at IS NOT NULL)",
        "v.id <> %(worker_id)s",
    ),
    claim(
        "suspects that nobody asked for",
        "(%(suspects)s OR NOT f.is_suspect)",
        "(%(suspects)s OR true)",
    ),
    claim("clears a suspect that was given back", "j.losses > 0 OR", "false OR"),
    claim(
        "a suspect is what had not started",
        "(j.state = 'running' AND j.started_at IS NOT NULL) AS",
        "(j.state = 'running') AS",
    ),
    claim(
        "a suspect is not what just died",
        "OR (j.state = 'running' AND j.started_at IS NOT NULL) AS",
        "OR false AS",
    ),
    claim(
        "loses no attempt",
        "WHERE c.old_state = 'running' AND a.organization_id",
        "WHERE false AND a.organization_id",
    ),
    claim(
        "loses the attempts of before",
        "AND a.fence = c.old_fence AND a.outcome = ''",
        "AND a.fence <= c.old_fence",
    ),
    claim(
        "what is nowhere is finished",
        "WHEN f.id IS NULL THEN 'unknown'",
        "WHEN f.id IS NULL THEN 'finished'",
    ),
    claim("what succeeded comes again", "('succeeded', 'dead',", "('dead',"),
    claim("what is dead comes again", "('succeeded', 'dead',", "('succeeded',"),
    claim("what is cancelled comes again", "'cancelled', 'scheduled')", "'scheduled')"),
    claim("what is scheduled comes again", "'cancelled', 'scheduled')", "'cancelled')"),
    claim("what is held is not due", "WHEN f.held_until IS NOT NULL THEN 'held'", ""),
    claim("a suspect is not due", "WHEN f.is_suspect THEN", "WHEN false THEN"),
    claim("the delay of a whole run", "coalesce(f.held_until, f.run_at)", "coalesce(f.run_at)"),
    *fenced(start),
    start(
        "no time of the start",
        "SET started_at = coalesce(started_at, clock_timestamp())",
        "SET started_at = NULL",
    ),
    start("opens no attempt", "    FROM started\n", "    FROM started WHERE false\n"),
    start("waits from nothing", "started_at - run_at", "started_at - started_at"),
    start("nobody asked for its end", "bool_or(cancel_requested_at IS NOT NULL)", "bool_or(false)"),
    start("refuses nothing", "jobs_held(count(*))", "(count(*))"),
    start_many("drops the fence", " AND o.fence = w.fence", ""),
    start_many("of a job that does not run", "AND o.state = 'running'", ""),
    start_many("of another organization", "o.organization_id = w.organization_id AND", ""),
    start_many(
        "waits for what somebody locked",
        "FOR NO KEY UPDATE SKIP LOCKED",
        "FOR NO KEY UPDATE",
    ),
    start_many("begins anew", "coalesce(j.started_at, clock_timestamp())", "clock_timestamp()"),
    start_many(
        "no time of the start",
        "SET started_at = coalesce(j.started_at, clock_timestamp())",
        "SET started_at = NULL",
    ),
    start_many("opens no attempt", "    FROM started\n", "    FROM started WHERE false\n"),
    start_many("waits from nothing", "started_at - run_at", "started_at - started_at"),
    start_many(
        "nobody asked for its end",
        "cancel_requested_at IS NOT NULL AS",
        "cancel_requested_at < NULL AS",
    ),
    *fenced(begin_effect),
    begin_effect(
        "the last id counts",
        "CASE effect_id WHEN '' THEN %(effect_id)s ELSE effect_id END",
        "%(effect_id)s",
    ),
    begin_effect(
        "begins nothing", "WHEN 'not_begun' THEN 'begun' ELSE", "WHEN 'x' THEN 'begun' ELSE"
    ),
    *fenced(settle),
    *closing(settle),
    settle("refuses nothing", "jobs_held(count(*))", "count(*)"),
    settle(
        "keeps the error", "error_class = '', error_message = '',", "error_class = error_class,"
    ),
    settle("keeps the losses", "        losses = 0,", "       "),
    settle("confirms no effect", "WHEN 'begun' THEN 'confirmed'", "WHEN 'x' THEN 'confirmed'"),
    settle(
        "confirms an effect that none began",
        "CASE effect_state WHEN 'begun' THEN 'confirmed' ELSE effect_state END",
        "'confirmed'",
    ),
    settle_many("drops the fence", " AND o.fence = w.fence", ""),
    settle_many("of a job that does not run", "AND o.state = 'running'", ""),
    settle_many("of another organization", "o.organization_id = w.organization_id AND", ""),
    settle_many(
        "waits for what somebody locked",
        "FOR NO KEY UPDATE SKIP LOCKED",
        "FOR NO KEY UPDATE",
    ),
    settle_many(
        "keeps the error", "error_class = '', error_message = '',", "error_class = error_class,"
    ),
    settle_many("keeps the losses", "        losses = 0,", "       "),
    settle_many("confirms no effect", "WHEN 'begun' THEN 'confirmed'", "WHEN 'x' THEN 'confirmed'"),
    settle_many("ends earlier attempts, too", " AND a.fence = s.fence", ""),
    settle_many(
        "leaves the attempt open",
        "WHERE a.organization_id = s.organization_id AND",
        "WHERE false AND",
    ),
    *fenced(retry),
    *closing(retry),
    retry(
        "at once",
        "run_at = clock_timestamp() + %(delay)s::interval",
        "run_at = clock_timestamp() + 0 * %(delay)s::interval",
    ),
    retry("keeps its worker", " worker_id = '',", ""),
    retry("keeps the losses", "        losses = 0,", "       "),
    retry("does not say when", ", retry_at = m.run_at", ""),
    *fenced(bury),
    *closing(bury),
    bury(
        "is never finished", "finished_at = clock_timestamp(), reason", "finished_at = NULL, reason"
    ),
    bury("still asked to end", "        cancel_requested_at = NULL,", "       "),
    bury("the first failure is the last", "(SELECT min(a.ended_at)", "(SELECT max(a.ended_at)"),
    bury("a worker's death is no failure", "IN ('failed', 'lost')", "IN ('failed')"),
    bury(
        "what was given back is a failure",
        "\n            AND a.outcome IN ('failed', 'lost'))",
        ")",
    ),
    bury("failures of other jobs", " AND a.job_id = m.id\n            AND", "\n            AND"),
    *fenced(release),
    *closing(release),
    release("counts the attempt", "attempt = attempt - 1, ", ""),
    release("keeps its worker", " worker_id = '',", ""),
    release("keeps its start", ", started_at = NULL", ""),
    release(
        "holds nothing back",
        "WHEN %(hold)s::text IS NULL THEN 'queued' ELSE 'scheduled'",
        "WHEN true THEN 'queued' ELSE %(hold)s",
    ),
    release(
        "a held one was published",
        "published_at = CASE WHEN %(hold)s::text IS NULL THEN published_at END",
        "published_at = published_at",
    ),
    release(
        "what goes back was never published",
        "published_at = CASE WHEN %(hold)s::text IS NULL THEN published_at END",
        "published_at = NULL",
    ),
    give_back("what has started", " AND j.started_at IS NULL", ""),
    give_back("what another worker has", "j.worker_id = %(worker_id)s", "%(worker_id)s <> ''"),
    give_back("of another organization", PAIR, "j.id"),
    give_back("what does not run", "j.state = 'running' AND", ""),
    give_back("counts the attempt", " attempt = attempt - 1,", ""),
    give_back("keeps its worker", ", worker_id = ''", ""),
    *fenced(stop),
    *closing(stop),
    stop("keeps the losses", ", losses = 0,", ","),
    stop("says nothing of the effect", "WHEN 'begun' THEN ' Its", "WHEN 'x' THEN ' Its"),
    stop(
        "says it of an effect that did not begin",
        "WHEN 'begun' THEN ' Its",
        "WHEN 'not_begun' THEN ' Its",
    ),
    beat("forgets that it ended", ", stopped_at = NULL", ""),
    beat("is not seen", "SET seen_at = clock_timestamp(), stopped_at", "SET stopped_at"),
    beat("jobs that another one has", " AND worker_id = %(id)s", ""),
    beat(
        "jobs that it did not name",
        "WHERE id = ANY (%(job_ids)s::uuid[]) AND",
        "WHERE %(job_ids)s::uuid[] IS NOT NULL AND",
    ),
    beat("jobs that ended", " AND state = 'running'", ""),
    beat("jobs that nobody asked to end", "cancel_requested_at IS NOT NULL", "true"),
    sign_off("another worker", "WHERE id = %(id)s", "WHERE id <> %(id)s"),
    bury_message(
        "an organization that does not exist",
        "(SELECT id FROM tenancy_organization WHERE id = %(organization_id)s)",
        "%(organization_id)s",
    ),
)

"""What an attempt does in the ledger, broken: its outside effect, and every end.

Not listed, because nothing can tell: the organization beside a job's id in attempts, which is
there for the index; a composite key holds the two together.
"""

from tests.mutation.sql.statement import Broken, breaking

begin_effect = breaking("begin_effect", "test_begin_effect.py", "test_fence.py")
bury = breaking("bury", "test_bury.py", "test_ends.py", "test_fence.py", "test_stop.py")
bury_message = breaking("bury_message", "../execution/test_messages.py")
release = breaking("release", "test_release.py", "test_hold.py", "test_ends.py", "test_fence.py")
retry = breaking(
    "retry", "test_retry.py", "test_claim_suspects.py", "test_ends.py", "test_fence.py"
)
settle = breaking(
    "settle",
    "test_settle.py",
    "test_claim_suspects.py",
    "test_begin_effect.py",
    "test_ends.py",
    "test_fence.py",
)
settle_many = breaking("settle_many", "test_settle_many.py", "test_ends.py")
stop = breaking("stop", "test_stop.py", "test_ends.py", "test_fence.py")

OF = "WHERE organization_id = %(organization_id)s AND id = %(job_id)s"
OF_ANYBODY = "WHERE %(organization_id)s IS NOT NULL AND id = %(job_id)s"


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


def ending(broken: Broken) -> tuple:
    """What every statement that ends an attempt has to say of it."""
    whole = "SELECT organization_id, id, attempt, fence, worker_id, started_at"
    return (
        broken("under the next number", whole, whole.replace("attempt", "attempt + 1")),
        broken("of nobody", whole, whole.replace("worker_id", "''")),
        broken("since now", whole, whole.replace("started_at", "clock_timestamp()")),
        broken(
            "since what the ledger knew",
            "started_at = clock_timestamp() - %(ran)s::interval",
            "started_at = coalesce(started_at, clock_timestamp() - %(ran)s::interval)",
        ),
    )


MUTATIONS = (
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
    *ending(settle),
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
    settle_many(
        "drops the fence",
        " AND o.fence = w.fence\n            AND",
        "\n            AND",
    ),
    settle_many("of a job that does not run", "\n            AND o.state = 'running'", ""),
    settle_many(
        "of another organization",
        "o.id FROM jobs_job o\n        WHERE o.organization_id = w.organization_id AND",
        "o.id FROM jobs_job o\n        WHERE",
    ),
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
    settle_many(
        "confirms an effect that none began",
        "CASE effect_state WHEN 'begun' THEN 'confirmed' ELSE effect_state END",
        "'confirmed'",
    ),
    settle_many(
        "all ran as long as one of them",
        "(SELECT f.ran FROM free f WHERE f.id = j.id)",
        "(SELECT max(f.ran) FROM free f)",
    ),
    settle_many(
        "under the next number",
        "id, attempt, fence, worker_id",
        "id, attempt + 1, fence, worker_id",
    ),
    settle_many(
        "of nobody",
        "id, attempt, fence, worker_id, started_at",
        "id, attempt, fence, '', started_at",
    ),
    settle_many("tells of no attempt", "    FROM settled\n)", "    FROM settled WHERE false\n)"),
    settle_many("calls the settled locked", "true AS is_settled", "false AS is_settled"),
    settle_many("calls the locked settled", "w.fence, false\n", "w.fence, true\n"),
    settle_many(
        "calls the locked lost", "WHERE w.job_id NOT IN (SELECT id FROM free)", "WHERE false"
    ),
    settle_many("calls the settled locked, too", "WHERE w.job_id NOT IN (SELECT id FROM free)", ""),
    settle_many(
        "calls the lost locked",
        "o.id = w.job_id AND o.fence = w.fence\n        AND o.state = 'running'\n    LIMIT 1\n",
        "o.id = w.job_id\n        AND o.state = 'running'\n    LIMIT 1\n",
    ),
    settle_many(
        "calls locked what has ended",
        "        AND o.state = 'running'\n    LIMIT 1\n",
        "    LIMIT 1\n",
    ),
    settle_many(
        "calls locked what another organization has",
        "    SELECT FROM jobs_job o\n    WHERE o.organization_id = w.organization_id AND",
        "    SELECT FROM jobs_job o\n    WHERE",
    ),
    *fenced(retry),
    *ending(retry),
    retry(
        "at once",
        "run_at = clock_timestamp() + %(delay)s::interval",
        "run_at = clock_timestamp() + 0 * %(delay)s::interval",
    ),
    retry("keeps its worker", " worker_id = '',", ""),
    retry("forgets who ran it", "old.worker_id AS worker_id", "worker_id"),
    retry("keeps the losses", "        losses = 0,", "       "),
    retry("does not say when", "%(traceback_digest)s, run_at", "%(traceback_digest)s, NULL"),
    *fenced(bury),
    *ending(bury),
    bury("is never finished", "finished_at = clock_timestamp(),\n", "finished_at = NULL,\n"),
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
    release("under the next number", "old.attempt AS attempt", "attempt"),
    release("of nobody", "old.worker_id AS worker_id", "worker_id"),
    release("since now", "clock_timestamp() - %(ran)s::interval, ", "clock_timestamp(), "),
    release("tells of what is held", "WHERE %(ran)s::interval IS NOT NULL", "WHERE true"),
    release("tells of nothing", "WHERE %(ran)s::interval IS NOT NULL", "WHERE false"),
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
    *fenced(stop),
    *ending(stop),
    stop("keeps the losses", ", losses = 0,", ","),
    stop("says nothing of the effect", "WHEN 'begun' THEN ' Its", "WHEN 'x' THEN ' Its"),
    stop(
        "says it of an effect that did not begin",
        "WHEN 'begun' THEN ' Its",
        "WHEN 'not_begun' THEN ' Its",
    ),
    bury_message(
        "an organization that does not exist",
        "(SELECT id FROM tenancy_organization WHERE id = %(organization_id)s)",
        "%(organization_id)s",
    ),
)

"""Who has a job, broken: claims, what undoes them, and the signs of life that keep them.

Not listed, because nothing can tell: that a heartbeat notes the start of nothing but what runs.
What has a worker and no start runs.
"""

from tests.mutation.sql.statement import breaking

asked_to_end = breaking("asked_to_end")
beat = breaking("beat")
claim = breaking(
    "claim",
    "test_claim.py",
    "test_claim_takeover.py",
    "test_claim_suspects.py",
    "test_claim_at_once.py",
)
give_back = breaking("give_back")
lock = breaking("lock", "test_claim_at_once.py", "test_claim.py")
sign_off = breaking("sign_off", "test_sign_off.py")

PAIR = "j.organization_id = w.organization_id AND j.id"

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
        "j.losses + (j.state = 'running' AND j.worker_id <> %(worker_id)s)::int",
        "j.losses",
    ),
    claim(
        "its own question is a death",
        "j.losses + (j.state = 'running' AND j.worker_id <> %(worker_id)s)::int",
        "j.losses + (j.state = 'running')::int",
    ),
    claim(
        "what went back was lost",
        "j.losses + (j.state = 'running' AND j.worker_id <> %(worker_id)s)::int",
        "j.losses + (j.worker_id <> %(worker_id)s)::int",
    ),
    claim(
        "counts only what is known to have started",
        "j.losses + (j.state = 'running' AND j.worker_id <> %(worker_id)s)::int",
        "j.losses + (j.state = 'running' AND j.worker_id <> %(worker_id)s"
        " AND j.started_at IS NOT NULL)::int",
    ),
    claim("keeps its worker", "worker_id = %(worker_id)s,\n        published_at", "published_at"),
    claim(
        "does not note that Redis had it",
        "coalesce(j.published_at, clock_timestamp())",
        "j.published_at",
    ),
    claim("notes it anew", "coalesce(j.published_at, clock_timestamp())", "clock_timestamp()"),
    claim("no time of the claim", "claimed_at = clock_timestamp(),", "claimed_at = NULL,"),
    claim(
        "keeps the start of before",
        "CASE WHEN %(suspects)s THEN clock_timestamp() END",
        "j.started_at",
    ),
    claim(
        "a suspect starts later",
        "CASE WHEN %(suspects)s THEN clock_timestamp() END",
        "CASE WHEN false THEN clock_timestamp() END",
    ),
    claim(
        "all start at once",
        "CASE WHEN %(suspects)s THEN clock_timestamp() END",
        "clock_timestamp()",
    ),
    claim("a worker that signed off lives", " AND v.stopped_at IS NULL", ""),
    claim("a worker lives for ever", "AND v.seen_at > clock_timestamp() - %(lease)s::interval", ""),
    claim("any worker keeps it", "v.id = j.worker_id", "v.id <> ''"),
    claim(
        "what it does not know it has is held",
        "AND (v.id <> %(worker_id)s OR j.id = ANY (%(in_hand)s::uuid[]))",
        "",
    ),
    claim(
        "takes what it has itself",
        "(v.id <> %(worker_id)s OR j.id = ANY (%(in_hand)s::uuid[]))",
        "v.id <> %(worker_id)s",
    ),
    claim(
        "any of its jobs keeps this one",
        "j.id = ANY (%(in_hand)s::uuid[])",
        "%(in_hand)s::uuid[] <> '{}'",
    ),
    claim(
        "suspects that nobody asked for",
        "(%(suspects)s OR NOT f.is_suspect)",
        "(%(suspects)s OR true)",
    ),
    claim("clears a suspect that was given back", "j.losses > 0 OR", "false OR"),
    claim(
        "a suspect is only what is known to have started",
        "(j.state = 'running' AND j.worker_id <> %(worker_id)s) AS",
        "(j.state = 'running' AND j.worker_id <> %(worker_id)s AND j.started_at IS NOT NULL) AS",
    ),
    claim(
        "suspects itself",
        "(j.state = 'running' AND j.worker_id <> %(worker_id)s) AS",
        "(j.state = 'running') AS",
    ),
    claim(
        "a suspect is not what just died",
        "OR (j.state = 'running' AND j.worker_id <> %(worker_id)s) AS",
        "OR false AS",
    ),
    claim("loses no attempt", "WHERE c.old_state = 'running' AND c", "WHERE false AND c"),
    claim(
        "an attempt of what waited",
        "WHERE c.old_state = 'running' AND c.old_worker_id",
        "WHERE c.old_worker_id",
    ),
    claim("its own question ends an attempt", " AND c.old_worker_id <> c.worker_id", ""),
    claim("loses the attempt of now", "c.attempt, c.old_fence,", "c.attempt, c.fence,"),
    claim(
        "loses it on the one that takes over",
        "c.old_fence, c.old_worker_id",
        "c.old_fence, c.worker_id",
    ),
    claim(
        "what was lost began when it was claimed",
        "coalesce(c.old_started_at, c.old_claimed_at)",
        "coalesce(c.old_claimed_at)",
    ),
    claim(
        "what was had began now",
        "coalesce(c.old_started_at, c.old_claimed_at)",
        "coalesce(c.old_started_at, c.claimed_at)",
    ),
    claim(
        "all that was had is lost",
        "CASE WHEN c.old_started_at IS NULL THEN 'released' ELSE 'lost' END",
        "'lost'",
    ),
    claim(
        "all that was lost was had",
        "CASE WHEN c.old_started_at IS NULL THEN 'released' ELSE 'lost' END",
        "'released'",
    ),
    claim(
        "says that it ran all that it had",
        "CASE WHEN c.old_started_at IS NULL\n            THEN 'had",
        "CASE WHEN false\n            THEN 'had",
    ),
    claim("waits from nothing", "c.claimed_at - c.run_at", "c.claimed_at - c.claimed_at"),
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
    give_back("drops the fence", " AND j.fence = w.fence", ""),
    give_back("keeps its start", ", started_at = NULL", ""),
    give_back("clears a suspect", ", started_at = NULL", ", started_at = NULL, losses = 0"),
    give_back("of another organization", PAIR, "j.id"),
    give_back("what does not run", "WHERE j.state = 'running'", "WHERE true"),
    give_back("counts the attempt", " attempt = attempt - 1,", ""),
    give_back("keeps its worker", " worker_id = '',", ""),
    beat("forgets that it ended", ", stopped_at = NULL", ""),
    beat("is not seen", "SET seen_at = clock_timestamp(), stopped_at", "SET stopped_at"),
    beat("what another one has", " AND o.worker_id = %(id)s", ""),
    beat("a start anew", "\n            AND o.started_at IS NULL", ""),
    beat("waits for what somebody locked", "FOR NO KEY UPDATE SKIP LOCKED", "FOR NO KEY UPDATE"),
    beat("all began at once", "FROM mine m WHERE m.id = j.id", "FROM mine m"),
    beat(
        "began just now",
        "SET started_at = clock_timestamp() - (",
        "SET started_at = clock_timestamp() - 0 * (",
    ),
    beat("dies of two claims of one job", "min(m.ran)", "m.ran"),
    beat("the earlier of two claims", "min(m.ran)", "max(m.ran)"),
    asked_to_end("what another one has", "j.worker_id = %(worker_id)s", "%(worker_id)s <> ''"),
    asked_to_end("what it did not name", "o.id = w.job_id LIMIT 1", "w.job_id IS NOT NULL"),
    asked_to_end("what has ended", " AND j.state = 'running'", ""),
    asked_to_end("what nobody asked to end", " AND j.cancel_requested_at IS NOT NULL", ""),
    sign_off("another worker", "WHERE id = %(id)s", "WHERE id <> %(id)s"),
)

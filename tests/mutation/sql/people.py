"""What a person does with jobs, broken: cancel, replay, discard, restore.

Not listed, because nothing can tell: the state beside the reason in `restore`, since what was
discarded is cancelled; and the state of the letter, since the last one of such a job was discarded.
"""

from tests.mutation.sql.statement import breaking

cancel = breaking("cancel")
discard = breaking("discard", "test_discard.py", "test_restore.py")
replay = breaking("replay", "test_replay.py", "test_stop.py")
request_cancel = breaking("request_cancel", "test_request_cancel.py", "../control/test_cancel.py")
restore = breaking("restore")

PAIR = "j.organization_id = w.organization_id AND j.id"

MUTATIONS = (
    cancel("of another organization", PAIR, "j.id"),
    cancel("what runs", "'queued', 'retrying')", "'queued', 'retrying', 'running')"),
    cancel("not what backs off", "'queued', 'retrying')", "'queued')"),
    cancel("not what is scheduled", "('scheduled', 'queued',", "('queued',"),
    cancel("keeps its hold", ", hold = NULL", ""),
    cancel("locks nothing", "ORDER BY j.id FOR UPDATE OF j", "ORDER BY j.id"),
    request_cancel("of another organization", PAIR, "j.id"),
    request_cancel("what does not run", "WHERE j.state = 'running'", "WHERE true"),
    request_cancel(
        "the last one counts",
        "coalesce(j.cancel_requested_at, clock_timestamp())",
        "clock_timestamp()",
    ),
    request_cancel("locks nothing", "ORDER BY j.id FOR UPDATE OF j", "ORDER BY j.id"),
    replay("of another organization", PAIR, "j.id"),
    replay("what is not dead", "WHERE j.state = 'dead'", "WHERE true"),
    replay("with the attempts that were left", " attempt = 0,", ""),
    replay("with the losses of before", " losses = 0,", ""),
    replay("keeps its worker", " worker_id = '',", ""),
    replay("keeps its reason", " reason = '',", ""),
    replay("due when it was due before", "run_at = clock_timestamp(), ", ""),
    replay("was published", ", published_at = NULL", ""),
    replay("keeps its start", ", started_at = NULL", ""),
    replay("letters that were handled before", " AND d.state = 'open'", ""),
    replay("letters of other jobs", "AND d.job_id = m.id AND", "AND"),
    replay("locks nothing", "ORDER BY j.id FOR UPDATE OF j", "ORDER BY j.id"),
    discard("of another organization", PAIR, "j.id"),
    discard("what is not dead", "WHERE j.state = 'dead'", "WHERE true"),
    discard("ended when it died", "finished_at = clock_timestamp(), ", ""),
    discard("says nothing of it", ", reason = 'discarded'", ""),
    discard("letters that were handled before", " AND d.state = 'open'", ""),
    discard("letters of other jobs", "AND d.job_id = m.id AND", "AND"),
    discard("locks nothing", "ORDER BY j.id FOR UPDATE OF j", "ORDER BY j.id"),
    restore("of another organization", PAIR, "j.id"),
    restore("what was cancelled", " AND j.reason = 'discarded'", ""),
    restore(
        "at any time",
        "AND j.finished_at > clock_timestamp() - %(window)s::interval",
        "AND %(window)s::interval IS NOT NULL",
    ),
    restore("the oldest letter", "ORDER BY d.job_id, d.id DESC", "ORDER BY d.job_id, d.id"),
    restore("the letter stays handled", "handled_at = NULL, ", ""),
    restore("the letter keeps who", "handled_by = '', ", ""),
    restore("the letter keeps why", ", handled_reason = ''", ""),
    restore("died when it was discarded", "finished_at = clock_timestamp(), reason", "reason"),
    restore("died of being discarded", ", reason = t.reason", ""),
    restore("locks nothing", "ORDER BY j.id FOR UPDATE OF j", "ORDER BY j.id"),
)

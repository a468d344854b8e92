"""`manage.py demo --check`: the product's main journey, end to end, on real servers of its own.

Events in two organizations become mails and webhooks, received and verified; workers are killed and
Redis is emptied in the middle, and nothing is lost or doubled; one organization is paused and the
other is not; a receiver that fails makes a dead letter, which is repaired and replayed; a file with
bad rows goes in, then its correction, and what is exported after that changes nothing when it is
imported again; a mission is found by its words, in its own organization alone, and not once it is
deleted. One function per step; the last line of output is one JSON object of counts and checks, and
the exit status is 0 only if every check holds.
"""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from jobsite.demo.stage import Stage, open_stage, wait_until

BURST = 30  # events while workers are killed and Redis is emptied


@dataclass
class Report:
    """What the journey found."""

    counts: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, bool] = field(default_factory=dict)

    def check(self, name: str, holds: bool) -> None:
        """Note one check, and say so."""
        self.checks[name] = holds
        say(f"{'ok  ' if holds else 'FAIL'} {name}")

    def as_json(self, seconds: float) -> str:
        """The last line of output."""
        ok = bool(self.checks) and all(self.checks.values())
        summary = {"ok": ok, **self.counts, "checks": self.checks, "seconds": round(seconds, 1)}
        return json.dumps(summary)


def main() -> int:
    """Run the journey; 0 when every check holds, 1 when one does not or a step never came."""
    began = time.monotonic()
    report = Report()
    try:
        with open_stage() as stage:
            import django

            django.setup()
            from jobsite.demo import files, finding, journey

            say(f"servers are up, in {stage.folder}")
            walk(stage, report, journey, files, finding)
    except TimeoutError as error:
        report.check(str(error), holds=False)
    print(report.as_json(time.monotonic() - began), flush=True)  # noqa: T201 - the output
    return 0 if all(report.checks.values()) else 1


def walk(stage: Stage, report: Report, journey: Any, files: Any, finding: Any) -> None:
    """The steps, in order."""
    north = journey.set_up("Northern Relief", "north", stage.receivers)
    harbor = journey.set_up("Harbor Logistics", "harbor", stage.receivers)
    stage.start("scheduler", "scheduler")
    stage.start_workers()
    deliver(stage, report, journey, [north, harbor])
    disturb(stage, report, journey, [north, harbor])
    pause_and_resume(report, journey, north, harbor)
    bury_and_replay(stage, report, journey, harbor)
    exported = import_and_export(report, files, harbor)
    import_again(report, files, harbor, exported)
    replace(report, files, harbor)
    find(report, finding, harbor, north)
    wait_until("all jobs end", lambda: journey.unfinished([north, harbor]) == 0)
    compare(stage, report, journey, [north, harbor])


def deliver(stage: Stage, report: Report, journey: Any, cast: list[Any]) -> None:
    """Events in two organizations arrive as mails and webhooks."""
    for one in cast:
        journey.cause_events(one)
    wait_until("all jobs end", lambda: journey.unfinished(cast) == 0)
    told = sum((Counter(journey.deliveries(one)) for one in cast), Counter())
    report.check("events_arrive_by_mail", told["mail", "sent"] > 0)
    report.check("events_arrive_by_webhook", told["webhook", "sent"] > 0)
    report.check("no_delivery_is_pending", not any(state == "pending" for _, state in told))


def disturb(stage: Stage, report: Report, journey: Any, cast: list[Any]) -> None:
    """kill -9 of the workers and FLUSHALL of Redis, in the middle of a burst of events."""
    journey.burst(cast, BURST)
    stage.kill_workers()
    journey.flush_redis()
    journey.burst(cast, BURST)
    stage.start_workers()
    wait_until("all jobs end after kill -9 and FLUSHALL", lambda: journey.unfinished(cast) == 0)
    report.check("nothing_is_lost", journey.undelivered(cast) == 0)
    report.check("no_effect_doubles_in_the_database", journey.doubled(cast) == 0)


def pause_and_resume(report: Report, journey: Any, paused: Any, other: Any) -> None:
    """An organization that is paused stands still and says why; the other's events arrive."""
    journey.pause(paused)
    journey.cause_one_event(paused)
    journey.cause_one_event(other)
    wait_until("the other organization's jobs end", lambda: journey.unfinished([other]) == 0)
    report.check("paused_organization_stands_still", journey.unfinished([paused]) > 0)
    report.check("waiting_jobs_say_why", journey.waiting_because(paused) == {"paused"})
    journey.resume(paused)
    wait_until("the paused jobs end", lambda: journey.unfinished([paused]) == 0)
    report.check("resumed_jobs_arrive", journey.undelivered([paused]) == 0)


def bury_and_replay(stage: Stage, report: Report, journey: Any, one: Any) -> None:
    """A receiver that answers 500 makes a dead letter; repaired and replayed, it arrives."""
    stage.receivers.answer(one.hook, 500)
    journey.cause_one_event(one)
    wait_until("a dead letter", lambda: len(journey.open_dead_letters(one)) == 1)
    wait_until("all jobs end", lambda: journey.unfinished([one]) == 0)
    [letter] = journey.open_dead_letters(one)
    report.check(
        "dead_letter_says_why",
        letter.reason == "retries_exhausted" and "500" in letter.error_message,
    )
    report.check("dead_letter_has_all_attempts", letter.attempt == 10)
    stage.receivers.answer(one.hook, 200)
    replayed = journey.replay(letter)
    wait_until("the replayed job ends", lambda: journey.unfinished([one]) == 0)
    report.counts |= {"dead_letters": 1, "replays": replayed}
    report.check("replay_succeeds", replayed == 1 and not journey.open_dead_letters(one))


def import_and_export(report: Report, files: Any, one: Any) -> bytes:
    """A file with bad rows, their correction, and all of it out again."""
    first = files.send(one, "timeline.csv", files.lines(*files.GOOD, *files.BAD))
    wait_until("the dry run", lambda: files.now(first).state == "validated")
    report.check("bad_rows_are_named", files.issues(first) == files.FOUND)
    report.check("dry_run_writes_nothing", files.entries(one) == 0)
    files.approve(one, first)
    wait_until("the import", lambda: files.now(first).state == "completed")
    report.check("good_rows_go_in", files.entries(one) == len(files.GOOD))
    mended = files.send(one, "mended.csv", files.lines(*files.MENDED), approve=True)
    wait_until("the corrected rows", lambda: files.now(mended).state == "completed")
    report.check("corrected_rows_go_in", files.entries(one) == len(files.GOOD + files.MENDED))
    export = files.ask(one, "csv")
    wait_until("the export", lambda: files.now(export).state == "completed")
    report.counts |= {"imported": files.entries(one), "exported": files.now(export).rows}
    return bytes(files.content(export))


def import_again(report: Report, files: Any, one: Any, exported: bytes) -> None:
    """What was exported, imported again as it is, changes nothing."""
    again = files.send(one, "again.csv", exported)
    wait_until("the second dry run", lambda: files.now(again).state == "validated")
    plan = files.now(again).plan
    unchanged = {"rows": report.counts["exported"], "unchanged": report.counts["exported"]}
    report.check("import_of_an_export_changes_nothing", unchanged.items() <= plan.items())


def replace(report: Report, files: Any, one: Any) -> None:
    """A file in mode `replace` removes what it does not have of its mission; undone, it is back."""
    before = files.entries(one)
    short = files.send(one, "whole.csv", files.lines(files.GOOD[0]), mode="replace")
    wait_until("the plan of a replacing file", lambda: files.now(short).state == "validated")
    removed = files.now(short).plan["removed"]
    files.approve(one, short, removals=removed)
    wait_until("the replacing file", lambda: files.now(short).state == "completed")
    report.check("a_replacing_file_removes_what_it_lacks", files.entries(one) == 1)
    files.undo(one, short)
    wait_until("what was removed", lambda: files.now(short).state == "undone")
    report.check("undone_it_is_back", files.entries(one) == before)


def find(report: Report, finding: Any, one: Any, other: Any) -> None:
    """A mission by the words it has now; not for others, and not once it is deleted."""
    mission = finding.add(one, "Dredge the lighthouse channel")
    wait_until("a mission to be found", lambda: finding.found(one, "lighth") == [mission.pk])
    finding.rename(one, mission, "Dredge the outer basin")
    wait_until("its new title", lambda: finding.found(one, '"outer basin"') == [mission.pk])
    report.check("old_words_find_nothing", finding.found(one, "lighthouse") == [])
    report.check("found_by_its_reference", finding.found(one, "MSN-2042") == [mission.pk])
    report.check("others_find_nothing_of_it", finding.found(other, "basin") == [])
    finding.remove(one, mission)
    report.check("deleted_is_not_found", finding.found(one, "basin") == [])


def compare(stage: Stage, report: Report, journey: Any, cast: list[Any]) -> None:
    """What the database says, against what the receivers saw and verified by foreign code."""
    hooks = stage.receivers.hooks()
    deliveries = sum((Counter(journey.deliveries(one)) for one in cast), Counter())
    report.counts |= {
        "events": sum(journey.events(one) for one in cast),
        "deliveries": {channel: deliveries[channel, "sent"] for channel in ("mail", "webhook")},
        "verified_signatures": sum(hook.verified is True for hook in hooks),
        "jobs": dict(sum((Counter(journey.jobs(one)) for one in cast), Counter())),
        "audit_events": sum(journey.audit_events(one) for one in cast),
    }
    report.check("every_signature_holds", bool(hooks) and all(hook.verified for hook in hooks))
    accepted = {hook.webhook_id for hook in hooks if hook.answered == 200}
    report.check("every_webhook_arrived", accepted == journey.sent_ids(cast, "webhook"))
    mails = {mail.message_id for mail in stage.receivers.mails()}
    report.check("every_mail_arrived", len(mails) == deliveries["mail", "sent"])
    report.check("organizations_see_only_their_own", journey.is_isolated(cast))
    report.check("every_job_ended_well", set(report.counts["jobs"]) == {"succeeded"})


def say(text: str) -> None:
    """Progress goes to stderr; stdout is for the result."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress


if __name__ == "__main__":
    sys.exit(main())

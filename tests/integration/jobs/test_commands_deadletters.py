"""manage.py deadletters: what it prints, what it moves, how it ends."""

import json
import re
import subprocess
import sys
from io import StringIO
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction

from audit.models import AuditEvent
from jobs.broker import Poison
from jobs.execution.poison import on_poison
from jobs.ledger.models import DeadLetter
from jobs.management.output import as_table
from tenancy.acting import Actor, acting
from tenancy.scope import operator_scope
from tests.factories import member, operator, organization
from tests.factories.jobs import at, dead_job, row

pytestmark = pytest.mark.django_db
UNKNOWN = 2**62


@pytest.fixture
def of():
    return organization()


@pytest.fixture
def on_call():
    return operator()


def deadletters(*words, **options) -> str:
    out = StringIO()
    call_command("deadletters", *map(str, words), stdout=out, **options)
    return out.getvalue()


def order(on_call, *words, reason="the receiver is back") -> str:
    return deadletters(*words, "--operator", on_call.email, "--reason", reason)


def looking(look):
    with acting(Actor.system(), source="command"), operator_scope("test"), transaction.atomic():
        return look()


def letter_of(ref) -> int:
    return looking(lambda: DeadLetter.objects.get(job_id=ref.job_id).pk)


def letter_without_job(of) -> int:
    on_poison(
        Poison(
            organization_id=of.pk,
            group="backfill",
            reason="undecodable",
            message_id=str(uuid4()),
            raw=b"no message",
            message=None,
            exception=None,
        )
    )
    return looking(lambda: DeadLetter.objects.filter(organization=of, job=None).latest("pk").pk)


class TestList:
    def test_shows_the_open_ones_of_an_organization_a_line_each(self, of):
        mine = [letter_of(dead_job(of)) for _ in range(2)]
        dead_job()

        title, *lines = deadletters("list", "--organization", of.slug).splitlines()

        assert title.split() == ["ID", "LAST", "FAILED", "ORGANIZATION", "REASON", "ERROR"]
        assert [int(line.split()[0]) for line in lines] == sorted(mine, reverse=True)
        assert all(line.split()[3:] == [of.slug, "permanent_error", "boom"] for line in lines)

    def test_prints_json_with_slug_and_id_of_the_organization(self, of):
        letter = letter_of(dead_job(of))

        [only] = json.loads(deadletters("list", "--organization", of.pk, "--json"))

        assert (only["id"], only["organization"], only["organization_id"]) == (
            letter, of.slug, of.pk,
        )  # fmt: skip

    def test_nothing_is_a_sentence_for_people_and_an_empty_array_for_machines(self, of):
        assert deadletters("list", "--organization", of.slug) == "No dead letter is open.\n"
        assert deadletters("list", "--organization", of.slug, "--json") == "[]\n"

    def test_finds_those_that_can_be_restored(self, of, on_call):
        letter = letter_of(dead_job(of))
        order(on_call, "discard", letter)

        found = deadletters("list", "--organization", of.slug, "--state", "discarded", "--json")

        assert [one["id"] for one in json.loads(found)] == [letter]

    def test_an_unknown_organization_ends_it_with_a_sentence(self):
        with pytest.raises(CommandError, match="No organization has the id or slug 'nobodys'"):
            deadletters("list", "--organization", "nobodys")

    @pytest.mark.parametrize("limit", ["0", "-1", "many"])
    def test_a_limit_is_a_number_above_zero(self, limit):
        with pytest.raises(CommandError, match="above zero"):
            deadletters("list", f"--limit={limit}")


class TestShow:
    def test_gives_a_line_to_each_field(self, of):
        letter = letter_of(dead_job(of))

        lines = deadletters("show", letter).splitlines()
        fields = dict(re.split(r" {2,}", line, maxsplit=1) for line in lines)

        assert (fields["id"], fields["organization"]) == (str(letter), of.slug)
        assert (fields["reason"], fields["state"]) == ("permanent_error", "open")

    def test_prints_one_json_object(self, of):
        ref = dead_job(of)

        shown = json.loads(deadletters("show", letter_of(ref), "--json"))

        assert (shown["job_id"], shown["error_message"]) == (str(ref.job_id), "boom")

    def test_an_unknown_id_ends_it_with_a_sentence(self):
        with pytest.raises(CommandError, match=f"There is no dead letter {UNKNOWN}"):
            deadletters("show", UNKNOWN)


class TestChange:
    @pytest.mark.parametrize(
        ("verbs", "action", "state"),
        [
            (["retry"], "job.retried", "queued"),
            (["discard"], "job.discarded", "cancelled"),
            (["discard", "restore"], "job.restored", "dead"),
        ],
    )
    def test_moves_the_jobs_audited_under_the_operators_name(
        self, of, on_call, verbs, action, state
    ):
        ref = dead_job(of)
        letter = letter_of(ref)

        for verb in verbs:
            said = order(on_call, verb, letter, reason="mended")

        assert said.endswith(" 1 of 1.\n")
        assert row(ref).state == state
        with at(of):
            [event] = AuditEvent.objects.filter(action=action)
            assert event.actor == f"operator:{on_call.pk}"
            assert json.loads(event.event)["detail"]["reason"] == "mended"

    @pytest.mark.parametrize("verb", ["retry", "discard", "restore"])
    def test_an_unknown_id_fails_and_stops_no_other(self, of, on_call, verb):
        ref = dead_job(of)
        letter = letter_of(ref)
        if verb == "restore":
            order(on_call, "discard", letter)
        before = row(ref).state

        with pytest.raises(CommandError, match=f"{UNKNOWN}: there is no such"):
            order(on_call, verb, letter, UNKNOWN)

        assert row(ref).state != before

    def test_says_why_one_was_left_alone_and_fails(self, of, on_call):
        letter = letter_of(dead_job(of))
        order(on_call, "retry", letter)

        with pytest.raises(CommandError, match=f"{letter}: queued, not dead"):
            order(on_call, "retry", letter)

    def test_prints_what_was_done_and_what_was_left_as_json(self, of, on_call):
        out = StringIO()
        words = ["retry", str(letter_of(dead_job(of))), str(UNKNOWN), "--json"]
        who = ["--operator", on_call.email, "--reason", "mended"]

        with pytest.raises(CommandError):
            call_command("deadletters", *words, *who, stdout=out)

        left = [{"id": UNKNOWN, "why": "there is no such dead letter"}]
        assert json.loads(out.getvalue()) == {"done": 1, "left": left}

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_without_a_reason_nothing_moves(self, of, on_call, reason):
        ref = dead_job(of)

        with pytest.raises(CommandError, match="Say why"):
            order(on_call, "retry", letter_of(ref), reason=reason)

        assert row(ref).state == "dead"

    def test_only_an_operator_gives_orders(self, of):
        ref = dead_job(of)
        owner = member(of, role="owner")

        with pytest.raises(CommandError, match="is no operator of this site"):
            order(owner, "retry", letter_of(ref))

        assert row(ref).state == "dead"

    def test_a_message_that_names_no_job_can_only_be_discarded(self, of, on_call):
        letter = letter_without_job(of)

        with pytest.raises(CommandError, match="names no job"):
            order(on_call, "retry", letter)
        assert order(on_call, "discard", letter) == "Discarded 1 of 1.\n"
        with pytest.raises(CommandError, match="not open"):
            order(on_call, "discard", letter)


@pytest.mark.django_db(transaction=True)
def test_what_was_left_alone_ends_the_process_with_status_1_and_the_rest_is_kept(of, on_call):
    ref = dead_job(of)
    words = ["deadletters", "discard", str(letter_of(ref)), str(UNKNOWN)]
    who = ["--operator", on_call.email, "--reason", "mended"]

    done = subprocess.run(
        [sys.executable, settings.BASE_DIR / "manage.py", *words, *who],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (1, "Discarded 1 of 2.\n")
    assert f"{UNKNOWN}: there is no such dead letter" in done.stderr
    assert row(ref).state == "cancelled"


class TestLines:
    ROWS = ({"id": 1, "error": "a long\nstory " + "x" * 200},)
    COLUMNS = {"id": "ID", "error": "ERROR"}

    def printed(self, *, terminal: bool) -> list[str]:
        lines: list[str] = []
        as_table(
            SimpleNamespace(write=lines.append, isatty=lambda: terminal),  # type: ignore[arg-type]
            self.ROWS,
            self.COLUMNS,
        )
        return lines

    def test_a_pipe_gets_each_row_whole_on_one_line(self):
        assert self.printed(terminal=False)[1] == "1   a long story " + "x" * 200

    def test_a_terminal_gets_as_much_of_it_as_fits(self, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")

        line = self.printed(terminal=True)[1]

        assert (len(line), line[-1]) == (80, "…")

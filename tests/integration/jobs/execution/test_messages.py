"""Messages that were forged or damaged in Redis: a dead letter each, and nothing read or done."""

import json
from uuid import uuid4

import dramatiq
import pytest
from django.db import transaction

from jobs.broker import Entry
from jobs.ledger.models import DeadLetter
from jobs.ledger.publish import queues
from tenancy.scope import operator_scope
from tests.factories import organization
from tests.factories.jobs import at, note_type, queued_job, row
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


FIELDS = {
    "queue_name": "backfill",
    "args": (),
    "kwargs": {},
    "options": {},
    "message_id": "m",
    "message_timestamp": 0,
}


def body(job_type, message_id, **changes) -> bytes:
    fields = {"actor_name": job_type.name, "message_id": message_id}
    return json.dumps(FIELDS | fields | changes).encode()


def put(organization_id, message_id, raw) -> None:
    entry = Entry(
        organization_id=organization_id, group="backfill", message_id=message_id, body=raw
    )
    queues().enqueue([entry])


def put_in_place_of(ref, raw) -> None:
    queues().remove("backfill", ref.organization_id, [str(ref.job_id)])
    put(ref.organization_id, str(ref.job_id), raw)


def letters(of) -> list[DeadLetter]:
    with at(of):
        return list(DeadLetter.objects.all())


def the_letter(of) -> DeadLetter:
    [letter] = eventually(lambda: letters(of), within=20)
    return letter


@pytest.fixture
def ran(declare):
    return []


@pytest.fixture
def job_type(declare, ran):
    return declare(ran.append)


def test_a_message_with_our_organization_and_their_job_reaches_nothing(start_worker, job_type, ran):
    ours, theirs = organization(), organization()
    target = queued_job(theirs, job_type)
    forged = body(job_type, str(target.job_id))
    queues().remove("backfill", theirs.pk, [str(target.job_id)])
    put(ours.pk, str(target.job_id), forged)

    start_worker()

    letter = the_letter(ours)
    assert (letter.reason, letter.job_id, letter.organization_id) == ("unknown_job", None, ours.pk)
    assert bytes(letter.raw) == forged
    assert (ran, letters(theirs)) == ([], [])
    assert (row(target).state, row(target).fence) == ("queued", 0)


def test_a_job_that_is_not_there_is_answered_as_one_of_another(start_worker, job_type, ran):
    ours, theirs = organization(), queued_job(organization(), job_type)
    queues().remove("backfill", theirs.organization_id, [str(theirs.job_id)])
    for message_id in (str(uuid4()), str(theirs.job_id)):
        put(ours.pk, message_id, body(job_type, message_id))

    start_worker()

    eventually(lambda: len(letters(ours)) == 2)
    told = ("reason", "error_class", "error_message", "error_frame", "job_id", "fingerprint")
    assert len({tuple(getattr(one, name) for name in told) for one in letters(ours)}) == 1


def test_what_the_body_says_of_its_organization_and_job_does_not_count(start_worker, job_type, ran):
    ours, target = organization(), queued_job(organization(), job_type)
    queues().remove("backfill", target.organization_id, [str(target.job_id)])
    options = {"organization_id": target.organization_id}
    put(ours.pk, str(uuid4()), body(job_type, str(target.job_id), options=options))

    start_worker()

    assert the_letter(ours).reason == "unknown_job"
    assert (ran, row(target).state) == ([], "queued")


def test_a_worker_buries_an_unknown_type_also_in_a_group_of_which_it_knows_none(start_worker):
    ref = queued_job(job_type=note_type(group="indexing"))

    start_worker(group="indexing")

    eventually(lambda: row(ref).state == "dead", within=20)
    assert the_letter(ref.organization_id).reason == "unknown_job_type"


def test_arguments_in_a_body_change_nothing(start_worker, job_type, ran):
    ref = queued_job(job_type=job_type)
    put_in_place_of(ref, body(job_type, str(ref.job_id), args=[1], kwargs={"x": 2}))

    start_worker()

    eventually(lambda: row(ref).state == "succeeded")
    assert [run.payload.text for run in ran] == [""]


def test_an_id_that_is_none_names_no_job(start_worker, job_type, ran):
    of = organization()
    put(of.pk, "no-uuid", body(job_type, "no-uuid"))

    start_worker()

    assert (the_letter(of).reason, ran) == ("unknown_job", [])


def test_bytes_that_are_no_message_are_a_dead_letter_with_the_bytes(start_worker, ran):
    of = organization()
    put(of.pk, str(uuid4()), b"\x80\x00 nonsense")

    start_worker()

    letter = the_letter(of)
    assert (letter.reason, bytes(letter.raw)) == ("undecodable", b"\x80\x00 nonsense")
    assert letter.queue_group == "backfill"


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"], ids=["NUL", "half a character"])
def test_a_name_that_no_text_can_hold_is_a_dead_letter_all_the_same(start_worker, ran, name):
    of = organization()
    put(of.pk, str(uuid4()), json.dumps(FIELDS | {"actor_name": name}).encode())

    start_worker()

    assert the_letter(of).reason == "unknown_job_type"


def test_bytes_that_are_no_message_bury_the_job_whose_place_they_took(start_worker, job_type, ran):
    ref = queued_job(job_type=job_type)
    put_in_place_of(ref, b"nonsense")

    start_worker()

    letter = the_letter(ref.organization_id)
    assert (letter.reason, letter.job_id, ran) == ("undecodable", ref.job_id, [])
    assert row(ref).state == "dead"


def test_huge_bytes_are_kept_by_their_beginning(start_worker, ran):
    of = organization()
    put(of.pk, str(uuid4()), b"x" * 1_000_000)

    start_worker()

    assert len(the_letter(of).raw) == 16 * 1024


def test_an_organization_that_does_not_exist_is_nobody_s(start_worker, job_type, ran):
    message_id = str(uuid4())
    put(10**12, message_id, body(job_type, message_id))

    start_worker()

    eventually(lambda: letter_of_nobody(job_type))


def test_a_job_type_in_the_plain_queue_belongs_to_nobody(start_worker, job_type, ran):
    ref = queued_job(job_type=job_type)
    queues().flush("backfill")
    put(None, str(ref.job_id), body(job_type, str(ref.job_id)))

    start_worker()

    letter = eventually(lambda: letter_of_nobody(job_type))
    assert (letter.reason, letter.job_id, ran) == ("unknown_job", None, [])


def test_the_neighbours_of_bad_messages_run(start_worker, job_type, ran):
    of = organization()
    put(of.pk, str(uuid4()), b"nonsense")
    refs = [queued_job(of, job_type) for _ in range(5)]
    put(of.pk, "no-uuid", body(job_type, "no-uuid"))

    start_worker()

    eventually(lambda: all(row(ref).state == "succeeded" for ref in refs))
    eventually(lambda: len(letters(of)) == 2)


def test_a_plain_actor_beside_the_jobs_runs_as_ever(start_worker, declare):
    heard = []
    actor = dramatiq.actor(heard.append, actor_name=f"plain_{uuid4().hex}", queue_name="backfill")
    actor.send("hello")

    start_worker()

    eventually(lambda: heard == ["hello"])
    del dramatiq.get_broker().actors[actor.actor_name]


def letter_of_nobody(job_type) -> DeadLetter | None:
    with operator_scope("a test"), transaction.atomic():
        return DeadLetter.objects.filter(organization=None, job_type=job_type.name).first()

"""enqueue, enqueue_many: jobs are written in the caller's transaction, and run if it commits."""

import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from jobs.errors import PayloadInvalid
from jobs.job_types import Payload
from jobs.ledger import Enqueued, NewJob, enqueue, enqueue_many
from jobs.ledger.models import IdempotencyKey, Job
from tenancy.acting import Actor, acting
from tenancy.errors import NoScope
from tenancy.scope import scope
from tests.factories import organization, project
from tests.factories.jobs import Note, at, note_type, queue_control, queued_job, row

enqueue_module = sys.modules["jobs.ledger.enqueue"]  # its name in the package is the function

pytestmark = pytest.mark.django_db


class Other(Payload):
    """Of another job type."""


def statements_that_wrote(of) -> int:
    """Each statement of a transaction leaves its number at the rows that it wrote."""
    with at(of), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT (xmin::text, cmin::text)) FROM jobs_job"
            " WHERE organization_id = %s",
            [of.pk],
        )
        return cursor.fetchone()[0]


def new(of, text="", **more) -> NewJob[Note]:
    return NewJob(payload=Note(text=text), organization_id=of.pk, entity=("note", "1"), **more)


def test_a_job_is_written_with_who_asked_and_why():
    of, job_type = organization(), note_type(group="audit", max_retries=4)
    mine = project(of)

    with acting(Actor.service(3), source="api", correlation_id="c-1"):
        ref = queued_job(
            of, job_type, payload=Note(text="hi"), project_id=mine.pk, entity=("mission", "12")
        )

    job = row(ref)
    assert (job.state, job.hold, job.attempt, job.max_attempts) == ("queued", None, 0, 5)
    assert (job.job_type, job.queue_group) == (job_type.name, "audit")
    assert (job.payload, job.entity_type, job.entity_id) == ({"text": "hi"}, "mission", "12")
    assert (job.actor_id, job.correlation_id, job.project_id) == ("service:3", "c-1", mine.pk)
    assert job.policy_version == job_type.policy.version
    assert job.published_at is None


def test_a_job_caused_by_a_job_carries_on_its_chain():
    of = organization()
    cause = queued_job(of)

    with acting(Actor.system(), source="worker", correlation_id="c-2", job_id=str(cause.job_id)):
        job = row(queued_job(of))

    assert (job.caused_by, job.correlation_id) == (cause.job_id, "c-2")


def test_a_job_for_later_is_scheduled():
    later = datetime.now(UTC) + timedelta(hours=1)

    job = row(queued_job(run_at=later))

    assert (job.state, job.run_at) == ("scheduled", later)


def test_a_job_for_a_moment_that_passed_is_due():
    assert row(queued_job(run_at=datetime.now(UTC) - timedelta(hours=1))).state == "queued"


def test_many_are_written_in_the_order_given():
    of, job_type = organization(), note_type()
    jobs = [new(of, text=str(number)) for number in range(250)]

    with at(of):
        enqueued = enqueue_many(job_type, jobs)
        rows = Job.objects.in_bulk([one.job_id for one in enqueued])

    assert all(one.created for one in enqueued)
    assert [rows[one.job_id].payload["text"] for one in enqueued] == [
        job.payload.text for job in jobs
    ]


def test_many_are_one_statement(django_assert_num_queries):
    of, job_type = organization(), note_type()

    with at(of), django_assert_num_queries(0):  # a flush is not counted
        enqueue_many(job_type, [new(of, text=str(number)) for number in range(100)])

    assert statements_that_wrote(of) == 1


def test_none_are_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert len(enqueue_many(note_type(), [])) == 0


def test_very_many_are_written_chunk_by_chunk(monkeypatch):
    monkeypatch.setattr(enqueue_module, "CHUNK", 10)
    of, job_type = organization(), note_type()
    asked = []

    def generator():
        for number in range(25):
            asked.append(number)
            yield new(of, text=str(number))

    with at(of):
        enqueued = enqueue_many(job_type, generator())
        rows = Job.objects.filter(organization_id=of.pk)
        texts = dict(rows.values_list("pk", "payload__text"))

    assert [texts[one.job_id] for one in enqueued] == [str(number) for number in asked]
    assert (len(enqueued), enqueued.created) == (25, 25)
    assert statements_that_wrote(of) == 3


def test_what_many_return_is_a_sequence():
    of, job_type = organization(), note_type()

    with at(of):
        [same] = enqueue_many(job_type, [new(of, text="1", correlation_id="c")])
        enqueued = enqueue_many(
            job_type, [new(of, text=str(number), correlation_id="c") for number in range(3)]
        )

    assert enqueued[1] == Enqueued(job_id=same.job_id, created=False)
    assert enqueued[-2:] == list(enqueued)[1:]
    assert enqueued.created == 2
    with pytest.raises(IndexError):
        enqueued[3]


def test_what_fails_in_a_later_chunk_undoes_the_earlier_ones(monkeypatch):
    monkeypatch.setattr(enqueue_module, "CHUNK", 2)
    of, job_type = organization(), note_type()
    asked = [new(of, text="1"), new(of, text="2"), new(of, project_id=10**12)]

    with at(of), pytest.raises(IntegrityError):
        enqueue_many(job_type, asked)

    with at(of):
        assert not Job.objects.filter(organization_id=of.pk).exists()


def test_a_batch_may_span_the_organizations_of_its_scope():
    ours, theirs, job_type = organization(), organization(), note_type()

    with scope([ours, theirs]), transaction.atomic():
        enqueued = enqueue_many(job_type, [new(ours), new(theirs)])

    assert [one.created for one in enqueued] == [True, True]


def test_a_payload_of_another_type_is_refused():
    of = organization()

    with at(of), pytest.raises(PayloadInvalid, match="Other is not its type"):
        enqueue(note_type(), Other(), organization_id=of.pk, entity=("note", "1"))


def test_an_actor_that_names_nobody_is_refused():
    of = organization()

    with at(of), pytest.raises(ValueError, match="names no actor"):
        enqueue_many(note_type(), [new(of, actor_id="somebody")])


def test_without_a_scope_nothing_is_written():
    of = organization()

    with pytest.raises((NoScope, DatabaseError)):
        enqueue_many(note_type(), [new(of)])


def test_another_organization_than_the_scope_s_is_refused():
    ours, theirs = organization(), organization()

    with pytest.raises(IntegrityError, match=f"{theirs.pk} is none of the scope"), at(ours):
        enqueue_many(note_type(), [new(ours), new(theirs)])


def test_row_security_refuses_it_where_its_project_says_that_it_exists():
    ours, theirs = organization(), project()

    with pytest.raises(DatabaseError, match="row-level security"), at(ours):
        enqueue_many(note_type(), [new(theirs.organization, project_id=theirs.pk)])


@pytest.mark.parametrize("with_a_project", [True, False])
def test_an_organization_that_does_not_exist_gets_no_job(with_a_project):
    nobody, job_type = 10**12, note_type()
    asked = NewJob(
        payload=Note(),
        organization_id=nobody,
        entity=("note", "1"),
        project_id=project().pk if with_a_project else None,
    )

    with pytest.raises(IntegrityError), scope(nobody), transaction.atomic():
        enqueue_many(job_type, [asked])

    with scope(nobody), transaction.atomic():
        assert not Job.objects.exists()
        assert not IdempotencyKey.objects.exists()


def test_an_organization_that_does_not_exist_gets_none_by_itself_either():
    nobody = 10**12

    with pytest.raises(IntegrityError), scope(nobody), transaction.atomic():
        enqueue(note_type(), Note(), organization_id=nobody, entity=("note", "1"))

    with scope(nobody), transaction.atomic():
        assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("exists", [True, False])
def test_a_project_of_another_organization_is_refused_whether_or_not_it_exists(exists):
    ours = organization()
    theirs = project().pk if exists else 10**12

    with pytest.raises(IntegrityError, match="project_id_same_organization"), at(ours):
        enqueue_many(note_type(), [new(ours, project_id=theirs)])


def test_keys_that_are_known_or_twice_in_a_batch_take_one_statement_more(
    django_assert_num_queries,
):
    of, job_type = organization(), note_type()
    asked = [new(of, text=text, correlation_id="c") for text in ("1", "2", "1")]

    with at(of), django_assert_num_queries(1):
        first = enqueue_many(job_type, asked)
    with at(of), django_assert_num_queries(1):
        again = enqueue_many(job_type, asked)

    assert [one.created for one in first] == [True, True, False]
    assert [one.job_id for one in again] == [one.job_id for one in first]


def test_the_same_keys_of_two_organizations_are_two_jobs_each_asked_for_twice():
    ours, theirs, job_type = organization(), organization(), note_type()
    asked = [new(of, correlation_id="c") for of in (ours, theirs, ours, theirs)]

    with scope([ours, theirs]), transaction.atomic():
        first = enqueue_many(job_type, asked)
        again = enqueue_many(job_type, asked)
        owners = dict(Job.objects.values_list("pk", "organization_id"))

    assert [one.created for one in first] == [True, True, False, False]
    for enqueued in (first, again):
        found = [owners[one.job_id] for one in enqueued]
        assert found == [new.organization_id for new in asked]


def test_the_drain_of_one_organization_of_a_batch_holds_no_other_s():
    ours, theirs, job_type = organization(), organization(), note_type()
    queue_control(ours, is_draining=True)
    queue_control(theirs, is_draining=False)

    with scope([ours, theirs]), transaction.atomic():
        enqueued = enqueue_many(job_type, [new(ours), new(theirs)])
        holds = dict(Job.objects.values_list("pk", "hold"))

    assert [holds[one.job_id] for one in enqueued] == ["draining", None]

"""The same idempotency key again is the same job, whoever asks and when."""

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from jobs.ledger import NewJob, enqueue_many, transitions
from jobs.ledger.idempotency import idempotency_key
from jobs.ledger.models import Job
from tests.factories import organization
from tests.factories.jobs import Note, at, claim, dead_job, note_type, queued_job, row
from tests.threads import elsewhere, together, until_somebody_waits_for_a_lock

SAME = {"entity": ("mission", "1"), "correlation_id": "c"}


def ask(of, job_type, *texts, correlation_id="c"):
    new = [
        NewJob(
            payload=Note(text=text),
            organization_id=of.pk,
            entity=("note", "1"),
            correlation_id=correlation_id,
        )
        for text in texts
    ]
    return enqueue_many(job_type, new)


@pytest.mark.django_db
def test_asking_again_returns_the_job_that_is_there():
    of, job_type = organization(), note_type()

    with at(of):
        [first] = ask(of, job_type, "a")
    with at(of):
        [again] = ask(of, job_type, "a")

    assert (first.created, again.created) == (True, False)
    assert again.job_id == first.job_id


@pytest.mark.django_db
def test_duplicates_in_one_batch_are_one_job():
    of, job_type = organization(), note_type()

    with at(of):
        enqueued = ask(of, job_type, "a", "b", "a", "b", "a")
        jobs = Job.objects.filter(job_type=job_type.name).count()

    assert [one.created for one in enqueued] == [True, True, False, False, False]
    assert jobs == 2
    assert len({enqueued[at].job_id for at in (0, 2, 4)}) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("fate", ["succeeded", "dead", "cancelled"])
def test_a_finished_job_is_not_made_again(fate):
    of, job_type = organization(), note_type()
    same = {"job_type": job_type, **SAME}
    if fate == "dead":
        ref = dead_job(of, **same)
    else:
        ref = queued_job(of, **same)
        with at(of):
            if fate == "cancelled":
                transitions.cancel([ref], reason="cancelled")
            else:
                transitions.settle(claim(ref).claimed)

    again = queued_job(of, **same)

    assert again == ref
    assert row(ref).state == fate


@pytest.mark.django_db
@pytest.mark.parametrize(
    "differing",
    [
        {"entity": ("mission", "2")},
        {"entity": ("project", "1")},
        {"correlation_id": "d"},
        {"payload": Note(text="other")},
        {"job_type": note_type()},
    ],
)
def test_what_differs_in_any_part_is_another_job(differing):
    of, job_type = organization(), note_type()
    same = {"job_type": job_type, **SAME}

    assert queued_job(of, **same) != queued_job(of, **(same | differing))


@pytest.mark.django_db
def test_two_organizations_share_no_key():
    job_type = note_type()
    same = {"job_type": job_type, **SAME}

    ours, theirs = queued_job(organization(), **same), queued_job(organization(), **same)

    assert ours.job_id != theirs.job_id


@pytest.mark.django_db(transaction=True)
def test_a_key_that_another_transaction_is_writing_is_waited_for_and_shared():
    of, job_type = organization(), note_type()

    def late():
        with at(of):
            return ask(of, job_type, "a")

    with elsewhere() as begin:
        with at(of):
            [first] = ask(of, job_type, "a")
            waiting = begin(late)
            until_somebody_waits_for_a_lock()
        [second] = waiting.result()

    assert (first.created, second.created) == (True, False)
    assert second.job_id == first.job_id


@pytest.mark.django_db(transaction=True)
def test_a_key_whose_transaction_rolled_back_is_free():
    of, job_type = organization(), note_type()

    def late():
        with at(of):
            return ask(of, job_type, "a")

    with elsewhere() as begin:
        with at(of):
            [first] = ask(of, job_type, "a")
            waiting = begin(late)
            until_somebody_waits_for_a_lock()
            transaction.set_rollback(True)
        [second] = waiting.result()

    assert second.created
    assert second.job_id != first.job_id


@pytest.mark.django_db(transaction=True)
def test_batches_in_opposite_orders_do_not_deadlock():
    of, job_type = organization(), note_type()
    texts = [str(number) for number in range(200)]

    def ask_for(those):
        def run():
            with at(of):
                return ask(of, job_type, *those)

        return run

    forth, back = together(ask_for(texts), ask_for(texts[::-1]))

    assert [one.job_id for one in forth] == [one.job_id for one in back[::-1]]
    assert forth.created + back.created == 200


@pytest.mark.django_db(transaction=True)
def test_keys_are_written_in_one_order_whatever_the_order_of_the_call():
    """Each waits for the other otherwise: for the last key, which the first one wrote first."""
    of, job_type = organization(), note_type()
    texts = sorted("ab", key=lambda text: key_of(job_type, text))

    def late():
        with at(of):
            return ask(of, job_type, *reversed(texts))

    with elsewhere() as begin:
        with at(of):
            ask(of, job_type, texts[0])
            waiting = begin(late)
            until_somebody_waits_for_a_lock()
            ask(of, job_type, texts[1])
        second = waiting.result()

    assert second.created == 0


def key_of(job_type, text) -> bytes:
    return idempotency_key(
        job_type.name, entity=("note", "1"), correlation_id="c", discriminator=text
    )


@given(st.tuples(*[st.text()] * 5), st.tuples(*[st.text()] * 5))
def test_a_key_is_as_distinct_as_its_parts(one, other):
    assert (key(one) == key(other)) == (one == other)


@given(st.text(alphabet="ab", max_size=3), st.text(alphabet="ab", max_size=3))
def test_where_one_part_ends_matters(one, other):
    assert (key((one, other, "", "", "")) == key((one + other, "", "", "", ""))) == (other == "")


def key(parts) -> bytes:
    job_type, kind, number, correlation_id, discriminator = parts
    return idempotency_key(
        job_type,
        entity=(kind, number),
        correlation_id=correlation_id,
        discriminator=discriminator,
    )

"""retry, discard, restore, dismiss: what people may do with dead jobs, and what is kept of it."""

from uuid import uuid4

import pytest
from django.db import transaction

from audit.models import AuditEvent
from jobs import deadletters
from jobs.broker import Poison
from jobs.deadletters import Outcome, Safety
from jobs.errors import NotInState
from jobs.execution.poison import on_poison
from jobs.ledger import relay, transitions
from jobs.ledger.models import DeadLetter
from jobs.ledger.publish import queues
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.scope import operator_scope, scope
from tests.factories import member, operator, organization
from tests.factories.jobs import at, claim, dead_job, queued_job, row, running_job

pytestmark = pytest.mark.django_db

VERBS = {
    "retry": (deadletters.retry, "job.retried", "queued"),
    "discard": (deadletters.discard, "job.discarded", "cancelled"),
    "restore": (deadletters.restore, "job.restored", "dead"),
}


@pytest.fixture
def of():
    return organization()


@pytest.fixture
def admin(of):
    return Actor.user(member(of, role="admin").pk)


def job_for(verb, of):
    """One that the verb can move."""
    ref = dead_job(of)
    if verb == "restore":
        with at(of):
            transitions.discard([ref], handled_by="system", reason="before")
    return ref


def do(verb, actor, of, *refs, reason="mended") -> Outcome:
    with acting(actor, source="admin"), at(of):
        return VERBS[verb][0]([ref.job_id for ref in refs], reason=reason)


def as_operator(call):
    on_call = Actor.operator(operator().pk)
    with acting(on_call, source="admin"), operator_scope("on call"), transaction.atomic():
        return call()


def events(of, action) -> list[AuditEvent]:
    with at(of):
        return list(AuditEvent.objects.filter(action=action))


@pytest.mark.parametrize("verb", VERBS)
class TestEach:
    def test_moves_the_jobs_and_says_how_many(self, verb, of, admin):
        refs = [job_for(verb, of) for _ in range(3)]

        outcome = do(verb, admin, of, *refs)

        assert (outcome.done, outcome.left) == (3, [])
        assert {row(ref).state for ref in refs} == {VERBS[verb][2]}

    def test_is_in_the_audit_log_once_for_each_job_with_its_reason(self, verb, of, admin):
        refs = [job_for(verb, of) for _ in range(2)]

        do(verb, admin, of, *refs, reason="the receiver is back")

        found = events(of, VERBS[verb][1])
        assert {one.target_id for one in found} == {str(ref.job_id) for ref in refs}
        assert {one.actor for one in found} == {str(admin)}
        assert all("the receiver is back" in one.event for one in found)

    @pytest.mark.parametrize("reason", ["", "  \n"])
    def test_asks_for_a_reason(self, verb, of, admin, reason):
        ref = job_for(verb, of)
        before = row(ref).state

        with pytest.raises(NotInState, match="Say why"):
            do(verb, admin, of, ref, reason=reason)

        assert row(ref).state == before

    @pytest.mark.parametrize("role", ["viewer", "editor"])
    def test_is_refused_to_those_who_may_not(self, verb, of, role):
        ref = job_for(verb, of)
        before = row(ref).state

        outcome = do(verb, Actor.user(member(of, role=role).pk), of, ref)

        assert (outcome.done, outcome.left) == (0, [(ref.job_id, "not permitted to you")])
        assert row(ref).state == before
        assert events(of, VERBS[verb][1]) == []

    def test_leaves_alone_what_is_not_in_state(self, verb, of, admin):
        running, waiting = running_job(of).ref, queued_job(of)

        outcome = do(verb, admin, of, job_for(verb, of), running, waiting)

        assert outcome.done == 1
        assert {one for one, _ in outcome.left} == {running.job_id, waiting.job_id}
        assert all(why.startswith(("running, not", "queued, not")) for _, why in outcome.left)

    def test_finds_no_job_of_another_organization(self, verb, of, admin):
        theirs = job_for(verb, organization())
        before, nowhere = row(theirs).state, uuid4()

        with acting(admin, source="admin"), at(of):
            outcome = VERBS[verb][0]([theirs.job_id, nowhere], reason="curious")

        assert outcome.left == [(theirs.job_id, "not found"), (nowhere, "not found")]
        assert row(theirs).state == before

    def test_reaches_every_organization_for_an_operator(self, verb, of):
        ours, theirs = job_for(verb, of), job_for(verb, organization())

        outcome = as_operator(
            lambda: VERBS[verb][0]([ours.job_id, theirs.job_id], reason="on call")
        )

        assert outcome.done == 2
        assert len(events(of, VERBS[verb][1])) == 1
        assert len(events(theirs.organization_id, VERBS[verb][1])) == 1

    def test_counts_a_job_named_twice_once(self, verb, of, admin):
        ref = job_for(verb, of)

        assert do(verb, admin, of, ref, ref).done == 1

    def test_does_nothing_for_none(self, verb, of, admin):
        assert do(verb, admin, of) == Outcome(done=0)


def test_a_suspended_organization_s_admin_may_not_but_an_operator_may(of, admin):
    ref = dead_job(of)
    with operator_scope("a test"), transaction.atomic():
        changes.update(of, state="suspended")

    assert do("retry", admin, of, ref).left == [(ref.job_id, "not permitted to you")]
    assert as_operator(lambda: deadletters.retry([ref.job_id], reason="on call")).done == 1


def test_a_member_of_two_organizations_moves_what_each_lets_them(of):
    other = organization()
    person = member(of, role="admin")
    member(other, role="viewer", user=person)
    ours, theirs = dead_job(of), dead_job(other)

    with acting(Actor.user(person.pk), source="admin"), scope([of, other]), transaction.atomic():
        outcome = deadletters.retry([ours.job_id, theirs.job_id], reason="mended")

    assert (outcome.done, outcome.left) == (1, [(theirs.job_id, "not permitted to you")])


@pytest.mark.django_db(transaction=True)
def test_a_retried_job_is_in_line_once_it_commits(redis_url):
    relay.recover()
    of = organization()
    admin = Actor.user(member(of, role="admin").pk)
    ref = dead_job(of)
    queues().remove("backfill", of.pk, [str(ref.job_id)])

    do("retry", admin, of, ref)

    assert queues().known("backfill", [(of.pk, str(ref.job_id))])
    assert claim(ref).claimed.attempt == 1


def test_safety_counts_how_far_effects_got(of):
    begun, confirmed, fresh = running_job(of), running_job(of), queued_job(of)
    with at(of):
        transitions.begin_effect(begun, "e-1")
        transitions.begin_effect(confirmed, "e-2")
        transitions.settle(confirmed)

    ids = [begun.ref.job_id, confirmed.ref.job_id, fresh.job_id]
    with at(of):
        assert deadletters.safety(ids) == Safety(not_begun=1, begun=1, confirmed=1)


class TestDismiss:
    """Dead letters of messages that name no job."""

    @pytest.fixture
    def letter(self, of):
        return self.of_message(of.pk, of)

    @staticmethod
    def of_message(organization_id, seen_by) -> int:
        group = f"g{uuid4().hex}"
        on_poison(
            Poison(
                organization_id=organization_id,
                group=group,
                reason="undecodable",
                message_id=str(uuid4()),
                raw=b"nonsense",
                message=None,
                exception=None,
            )
        )
        with operator_scope("a test"), transaction.atomic():
            return DeadLetter.objects.get(queue_group=group[:32]).pk

    def dismiss(self, actor, of, *ids):
        with acting(actor, source="admin"), at(of):
            return deadletters.dismiss(ids, reason="noise")

    def state(self, pk):
        with operator_scope("a test"), transaction.atomic():
            return DeadLetter.objects.get(pk=pk).state

    def test_an_admin_dismisses_those_of_the_organization(self, of, admin, letter):
        assert self.dismiss(admin, of, letter) == 1

        assert self.state(letter) == "discarded"
        assert [one.target_id for one in events(of, "deadletter.dismissed")] == [str(letter)]

    def test_once_and_no_more(self, of, admin, letter):
        self.dismiss(admin, of, letter)

        assert self.dismiss(admin, of, letter) == 0

    def test_an_editor_may_not(self, of, letter):
        assert self.dismiss(Actor.user(member(of, role="editor").pk), of, letter) == 0
        assert self.state(letter) == "open"

    def test_nobody_s_are_the_operators_and_go_into_the_site_s_log(self, of, admin):
        letter = self.of_message(None, of)

        assert self.dismiss(admin, of, letter) == 0
        assert as_operator(lambda: deadletters.dismiss([letter], reason="noise")) == 1

        assert self.state(letter) == "discarded"
        assert str(letter) in [one.target_id for one in events(0, "deadletter.dismissed")]

    def test_that_of_a_job_is_left_alone(self, of, admin):
        ref = dead_job(of)
        with at(of):
            letter = DeadLetter.objects.get(job_id=ref.job_id).pk

        assert self.dismiss(admin, of, letter) == 0
        assert self.state(letter) == "open"


class TestDescribe:
    def test_one_job(self):
        assert Outcome(done=1).describe("Retried") == "Retried 1 job."

    def test_many_and_why_others_were_left(self):
        left = [(uuid4(), "not found")] * 2 + [(uuid4(), "running, not dead")]

        assert Outcome(done=1234, left=left).describe("Retried") == (
            "Retried 1,234 jobs, left 3 alone: 2 × not found; 1 × running, not dead."
        )

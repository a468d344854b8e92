"""Alerts reach operators by real mail and real signed webhooks, again until they arrive."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from jobs.alerts import telling
from jobs.alerts.models import Alert
from jobs.families.notifications.webhooks.sign import new_secret
from jobsite.demo.receivers import Receivers
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.alerts import failing, pass_minutes
from tests.threads import together
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "oncall@example.com"


@pytest.fixture
def receivers(settings):
    """A mail catcher and a receiver of webhooks, and settings that lead to both."""
    with Receivers() as running:
        options = {"host": "127.0.0.1", "port": running.smtp_port, "timeout": 5}
        backend = "django.core.mail.backends.smtp.EmailBackend"
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        settings.WEBHOOK_ALLOW_HTTP = True
        settings.WEBHOOK_ALLOWED_PORTS = []
        settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
        settings.ALERT_MAIL_TO = [ADDRESS]
        settings.ALERT_WEBHOOK_URL = running.url("oncall")
        settings.ALERT_WEBHOOK_SECRET = new_secret()
        running.learn("oncall", settings.ALERT_WEBHOOK_SECRET)
        yield running


def opened(of=None):
    """An alert that nobody has been told of."""
    return pass_minutes(failing(of or organization()), 0.8)[-1]


def again(alert):
    """The alert as it is now."""
    with engine_scope(), transaction.atomic():
        return Alert.objects.get(pk=alert.pk)


def alone(*alerts):
    """What other tests left behind is not told here."""
    with engine_scope(), transaction.atomic():
        others = Alert.objects.exclude(pk__in=[one.pk for one in alerts])
        others.update(tell_at=None)


def tell(*alerts):
    """A round in which these are told."""
    alone(*alerts)
    return telling.tell()


def due_now(*alerts):
    """Time passes until they are due again."""
    with engine_scope(), transaction.atomic():
        Alert.objects.filter(pk__in=[one.pk for one in alerts]).update(
            tell_at=datetime.now(UTC) - timedelta(seconds=1)
        )


def test_an_alert_is_told_by_mail_and_by_a_signed_webhook(receivers):
    of = organization()
    alert = opened(of)

    assert tell(alert) == 1

    [mail] = receivers.mails()
    assert mail.recipients == [ADDRESS]
    assert mail.subject == f"[Alert opened] {of.slug}: 80% of the attempts fail"
    assert f"/admin/jobs/alert/{alert.pk}/change/" in mail.text
    [hook] = receivers.hooks("oncall")
    assert hook.verified
    assert hook.webhook_id == f"alert-{alert.pk}-open"
    told = json.loads(hook.body)
    assert (told["type"], told["organization_id"], told["alert"]) == (
        "alert.opened", of.pk, "jobs_fail",
    )  # fmt: skip
    now = again(alert)
    assert set(now.told) == {f"mail to {ADDRESS}", "webhook"}
    assert (now.tell_at, now.tell_error) == (None, "")


def test_what_was_told_is_not_told_again(receivers):
    alert = opened()

    tell(alert)
    tell(alert)

    assert (len(receivers.mails()), len(receivers.hooks())) == (1, 1)


def test_several_at_once_are_one_mail_and_a_webhook_each(receivers):
    alerts = [opened(), opened(), opened()]

    assert tell(*alerts) == 3

    [mail] = receivers.mails()
    assert mail.subject.startswith("[Alerts: 3 opened] ")
    assert all(f"/alert/{alert.pk}/change/" in mail.text for alert in alerts)
    assert len(receivers.hooks("oncall")) == 3


def test_that_it_closed_is_told_too(receivers):
    of = organization()
    tell(opened(of))

    [alert] = pass_minutes(failing(of), *[None] * 6)
    tell(alert)

    assert [json.loads(one.body)["type"] for one in receivers.hooks("oncall")] == [
        "alert.opened", "alert.closed",
    ]  # fmt: skip
    assert receivers.mails()[-1].subject.startswith("[Alert closed] ")
    assert set(again(alert).told["webhook"]) == {"open", "closed"}


def test_what_closed_before_anybody_heard_is_told_once(receivers):
    [alert] = pass_minutes(failing(organization()), 0.8, *[None] * 6)

    tell(alert)

    assert len(receivers.mails()) == 1
    assert [json.loads(one.body)["type"] for one in receivers.hooks()] == ["alert.closed"]


def test_what_did_not_arrive_is_sent_again_under_the_same_id_to_that_one_only(receivers):
    alert = opened()
    receivers.answer("oncall", 500)

    assert tell(alert) == 0

    failed = again(alert)
    assert "answered 500" in failed.tell_error
    assert failed.tell_failures == 1
    assert failed.tell_at > datetime.now(UTC)
    receivers.answer("oncall", 200)
    due_now(alert)
    assert tell(alert) == 1
    assert len(receivers.mails()) == 1
    assert len({one.webhook_id for one in receivers.hooks("oncall")}) == 1
    assert [one.answered for one in receivers.hooks("oncall")] == [500, 200]
    assert (again(alert).tell_error, again(alert).tell_failures) == ("", 0)


def test_a_mail_server_that_is_away_does_not_keep_the_webhook(receivers, settings):
    settings.MAILERS["default"]["OPTIONS"]["port"] = 1
    alert = opened()

    tell(alert)

    assert len(receivers.hooks("oncall")) == 1
    assert set(again(alert).told) == {"webhook"}
    assert "mail server was not reached" in again(alert).tell_error


def test_the_wait_gets_longer_and_no_longer_than_a_quarter_of_an_hour():
    waits = [telling.wait_after(failures).total_seconds() for failures in (1, 2, 3, 6, 7, 8, 5000)]

    assert waits == [15, 30, 60, 480, 900, 900, 900]


def test_two_schedulers_at_once_tell_it_once(receivers):
    alert = opened()

    alone(alert)
    together(*[telling.tell] * 3)

    assert (len(receivers.mails()), len(receivers.hooks("oncall"))) == (1, 1)
    assert again(alert).tell_at is None


def test_with_nobody_to_tell_nothing_stays_due(receivers, settings):
    settings.ALERT_MAIL_TO, settings.ALERT_WEBHOOK_URL = [], ""
    alert = opened()

    tell(alert)

    assert (again(alert).told, again(alert).tell_at) == ({}, None)


def test_a_webhook_without_a_secret_keeps_no_mail_and_is_shown(receivers, settings):
    settings.ALERT_WEBHOOK_SECRET = ""
    alert = opened()

    tell(alert)

    assert len(receivers.mails()) == 1
    assert "ALERT_WEBHOOK_SECRET" in again(alert).tell_error


def test_the_scheduler_tells_from_a_thread_of_its_own(receivers):
    alert = opened()

    alone(alert)
    telling.teller.start()

    eventually(lambda: again(alert).tell_at is None)
    assert len(receivers.hooks("oncall")) == 1

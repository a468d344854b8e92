"""`manage.py demo --follow`: the demo's webhooks go where its receivers listen now."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from jobs.families.notifications import endpoints
from jobs.models import Endpoint
from tests.factories import organization
from tests.factories.jobs import at

pytestmark = pytest.mark.django_db

THERE = "http://127.0.0.1:8026"
NOW = "http://127.0.0.1:8027"


@pytest.fixture(autouse=True)
def receivers(settings: Settings, tmp_path: Path) -> None:
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    settings.WEBHOOK_ALLOWED_PORTS = [443, 8026, 8027]
    settings.RECEIVERS_WEB_PORT = 8027
    settings.RECEIVERS_SECRETS_FILE = tmp_path / "secrets.json"
    settings.RECEIVERS_SECRETS_FILE.write_text(json.dumps({"harbor": "whsec_…"}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{THERE}/hooks/harbor", f"{NOW}/hooks/harbor"),
        (f"{NOW}/hooks/harbor", f"{NOW}/hooks/harbor"),
        (f"{THERE}/hooks/of-somebody-else", f"{THERE}/hooks/of-somebody-else"),
        ("https://example.com/hooks/harbor", "https://example.com/hooks/harbor"),
    ],
)
def test_only_what_went_to_our_receivers_moves(before: str, after: str) -> None:
    of = organization()
    with at(of):
        endpoint, _ = endpoints.create(of.pk, name="Board", url=before, event_types=[])

    out = StringIO()
    call_command("demo", "--follow", stdout=out)

    with at(of):
        assert Endpoint.objects.get(pk=endpoint.pk).url == after
    assert out.getvalue() == f"{int(before != after)} endpoints moved.\n"

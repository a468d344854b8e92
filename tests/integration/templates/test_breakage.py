import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from templates.models import TemplateVersion
from tenancy.models import Organization
from tenancy.scope import scope
from tests.factories import templates


@pytest.fixture
def broken(organization: Organization) -> TemplateVersion:
    """Published when `mission.headline` was still in the schema."""
    version = templates.draft(organization, text="a\n{{ mission.headline }}")
    with scope(organization), transaction.atomic():
        TemplateVersion.objects.filter(organization_id=organization.pk).update(
            state="published", published_at=version.created_at
        )
    return version


def test_the_command_lists_templates_that_the_catalogue_breaks(broken: TemplateVersion) -> None:
    out = StringIO()

    with pytest.raises(CommandError, match="broken"):
        call_command("templates", "check", "--json", stdout=out)

    [found] = [
        one
        for one in json.loads(out.getvalue())
        if one["organization_id"] == broken.organization_id
    ]
    assert found == {
        "organization_id": broken.organization_id,
        "event_type": "mission.created",
        "channel": "mail",
        "locale": "",
        "version": 1,
        "problem": "text line 2: unknown variable mission.headline",
    }


def test_drafts_and_good_templates_are_not_listed(organization: Organization) -> None:
    templates.draft(organization, text="{{ mission.headline }}")
    out = StringIO()

    call_command("templates", "check", stdout=out)

    assert out.getvalue() == "Every published template fits the catalogue.\n"

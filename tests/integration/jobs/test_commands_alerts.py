"""manage.py alerts: what is wrong, what was."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from tests.factories import organization
from tests.factories.alerts import failing, open_alert, pass_minutes

pytestmark = pytest.mark.django_db(transaction=True)


def alerts(*words) -> str:
    out = StringIO()
    call_command("alerts", "--limit", "1000", *words, stdout=out)
    return out.getvalue()


def test_open_alerts_are_printed_a_line_each():
    of = organization()
    open_alert(of)

    [mine] = [line for line in alerts().splitlines() if of.slug in line]

    assert mine.startswith("open")
    assert "80% of the attempts fail" in mine
    assert "still wrong" in mine


def test_an_open_alert_whose_condition_is_over_says_so():
    of = organization()
    pass_minutes(failing(of), 0.8, *[None] * 3)

    [mine] = [line for line in alerts().splitlines() if of.slug in line]

    assert "right again for 2 min, closes after 5" in mine


def test_programs_get_json_with_the_history_where_they_ask_for_it():
    of = organization()
    pass_minutes(failing(of), 0.8, *[None] * 6, 0.9)

    def mine(*words):
        return [
            one for one in json.loads(alerts("--json", *words)) if one["organization"] == of.slug
        ]

    assert [(one["state"], one["value"]) for one in mine()] == [("open", 0.9)]
    assert [one["state"] for one in mine("--history")] == ["closed", "open"]
    assert mine()[0]["organization_id"] == of.pk

from typing import Any

import pytest

from tests.factories.api import Caller

URL = "https://receiver.example.org/hook"


def _create(admin: Caller, **fields: Any) -> dict[str, Any]:
    body = {"name": "Ours", "url": URL, "event_types": ["mission.completed"]} | fields
    created = admin.post("/endpoints", body)
    assert created.status_code == 201, created.json()
    made: dict[str, Any] = created.json()
    return made


def test_the_secret_is_in_the_answer_that_made_it_and_in_no_other(admin: Caller) -> None:
    created = _create(admin)

    shown = admin.get(f"/endpoints/{created['id']}").json()
    listed = admin.get("/endpoints").json()["items"]

    assert created["secret"].startswith("whsec_")
    assert "secret" not in shown
    assert listed == [shown]


def test_a_rotated_secret_is_another_one_and_the_old_signs_on_for_a_while(admin: Caller) -> None:
    created = _create(admin)

    rotated = admin.post(f"/endpoints/{created['id']}/rotate").json()

    assert rotated["secret"] not in ("", created["secret"])
    assert rotated["previous_until"] is not None


def test_an_endpoint_is_changed_disabled_enabled_and_deleted(admin: Caller) -> None:
    address = f"/endpoints/{_create(admin)['id']}"

    changed = admin.patch(address, {"name": "Theirs", "event_types": []}).json()
    disabled = admin.post(f"{address}/disable", {"reason": "Maintenance"}).json()
    enabled = admin.post(f"{address}/enable").json()
    deleted = admin.delete(address)

    assert (changed["name"], changed["event_types"], changed["url"]) == ("Theirs", [], URL)
    assert (disabled["state"], disabled["state_reason"]) == ("disabled", "Maintenance")
    assert (enabled["state"], enabled["state_reason"]) == ("active", "")
    assert deleted.status_code == 204
    assert admin.get(address).status_code == 404


@pytest.mark.parametrize(
    "url",
    ["https://localhost/", "http://example.org/", "https://example.org:22/", "https://a.internal/"],
)
def test_an_address_that_no_webhook_may_go_to_is_refused_at_once(admin: Caller, url: str) -> None:
    refused = admin.post("/endpoints", {"name": "Inside", "url": url})

    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert (error["field"], error["code"]) == ("body.url", "address_refused")


def test_an_event_type_that_is_not_in_the_catalogue_is_refused(admin: Caller) -> None:
    body = {"name": "Ours", "url": URL, "event_types": ["mission.exploded"]}

    refused = admin.post("/endpoints", body)

    assert refused.status_code == 422
    assert "mission.exploded" in str(refused.json())

from tests.factories import notifications
from tests.factories.api import Caller


def test_a_delivery_tells_what_went_to_whom(admin: Caller) -> None:
    delivery = notifications.delivery(admin.organization)

    shown = admin.get(f"/deliveries/{delivery.pk}").json()

    assert shown["recipient"] == delivery.recipient
    assert (shown["channel"], shown["state"]) == ("mail", "pending")
    assert shown["event_type"] == "assignment.created"
    assert shown["attempts"] == []


def test_deliveries_are_listed_by_state_and_channel(admin: Caller) -> None:
    delivery = notifications.delivery(admin.organization)

    pending = admin.get("/deliveries?state=pending&channel=mail").json()["items"]
    sent = admin.get("/deliveries?state=sent").json()["items"]

    assert [one["id"] for one in pending] == [str(delivery.pk)]
    assert sent == []

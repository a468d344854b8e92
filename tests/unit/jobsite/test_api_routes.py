"""Every route of the API says what it demands."""

from collections.abc import Iterator

import pytest
from ninja.operation import Operation

from jobsite.api import api
from tenancy.api.permission import ServiceToken

PUBLIC = {"ask", "unsubscribe_mailbox"}


def _operations() -> Iterator[tuple[str, Operation]]:
    for router in api._get_bound_routers():
        for view in router.path_operations.values():
            for operation in view.operations:
                yield operation.view_func.__name__, operation


OPERATIONS = dict(_operations())


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - PUBLIC))
def test_a_route_demands_a_permission_that_fits_its_method(name: str) -> None:
    operation = OPERATIONS[name]

    [demand] = operation.auth_callbacks

    assert isinstance(demand, ServiceToken)
    assert demand.permission.only_reads == (operation.methods == ["GET"])


def test_only_unsubscribing_demands_none() -> None:
    public = {name for name, operation in OPERATIONS.items() if not operation.auth_callbacks}

    assert public == PUBLIC


def test_every_route_lies_below_an_organization_and_has_a_name_of_its_own() -> None:
    document = api.get_openapi_schema(path_prefix="/api/v1/")

    names = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(names) == len(set(names)) == len(OPERATIONS)
    assert all(
        path.startswith("/api/v1/organizations/{organization_id}/") for path in document["paths"]
    )

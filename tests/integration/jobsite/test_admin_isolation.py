"""Every page of every registered admin, asked for by people of another organization."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from tenancy.admin.base import TenantAdmin
from tenancy.models import Organization
from tests.factories import admin as rows
from tests.factories import tenancy
from tests.factories.admin import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

ROLES = ("owner", "admin", "editor", "viewer")
PAGES = [page for page in admin.site._registry.values() if isinstance(page, TenantAdmin)]


def name_of(page: TenantAdmin) -> str:
    return page.opts.label_lower


def addresses(page: TenantAdmin, row: models.Model) -> list[str]:
    routes = ["change", "delete", "history", *page.routes]
    return [page.address(row, route) for route in routes]


@pytest.fixture
def strangers() -> dict[str, Client]:
    """One signed-in member per role of an organization, by role."""
    own = tenancy.organization()
    return {role: signed_in(tenancy.member(own, role=role)) for role in ROLES}


@pytest.fixture
def other() -> Organization:
    return tenancy.organization("Somebody Else Entirely")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_row_of_another_organization_is_not_found_on_any_page(
    page: TenantAdmin, strangers: dict[str, Client], other: Organization
) -> None:
    row = rows.row_of(page.model, other)

    for role, stranger in strangers.items():
        for address in addresses(page, row):
            looked = stranger.get(address)
            tried = stranger.post(address, {"reason": "x", "post": "yes"})

            assert (looked.status_code, tried.status_code) == (404, 404), (role, address)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_list_shows_nothing_of_another_organization_whatever_the_url_says(
    page: TenantAdmin, strangers: dict[str, Client], other: Organization
) -> None:
    row = rows.row_of(page.model, other)
    of_other = "pk" if page.model is Organization else "organization__id__exact"

    for role, stranger in strangers.items():
        queries: list[dict[str, Any]] = [
            {},
            {of_other: other.pk},
            {of_other: other.pk, "_facets": "1"},
            {"o": "1"},
        ]
        for query in queries:
            response = stranger.get(list_of(page), query, follow=True)

            shown = response.content.decode()
            assert response.status_code in (200, 400, 403), (role, query)
            assert f"/{row.pk}/change/" not in shown, (role, query)
            assert "Somebody Else" not in shown, (role, query)


@pytest.mark.parametrize("page", [one for one in PAGES if one.search_fields], ids=name_of)
def test_autocomplete_suggests_nothing_of_another_organization(
    page: TenantAdmin, strangers: dict[str, Client], other: Organization
) -> None:
    row = rows.row_of(page.model, other)

    for role, stranger in strangers.items():
        for source, field in references_to(page.model):
            query = {
                "app_label": source._meta.app_label,
                "model_name": str(source._meta.model_name),
                "field_name": field,
                "term": "",
            }
            response = stranger.get(reverse("admin:autocomplete"), query)

            assert response.status_code in (200, 403), (role, source, field)
            found = response.json()["results"] if response.status_code == 200 else []
            assert str(row.pk) not in [one["id"] for one in found], (role, source, field)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_an_operator_sees_the_row_of_any_organization(
    page: TenantAdmin, other: Organization
) -> None:
    row = rows.row_of(page.model, other)
    client = signed_in(tenancy.operator())

    assert client.get(page.address(row), follow=True).status_code == 200
    assert client.get(list_of(page)).status_code == 200


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_an_owner_sees_the_rows_of_the_own_organization(page: TenantAdmin) -> None:
    own = tenancy.organization()
    row = rows.row_of(page.model, own)
    client = signed_in(tenancy.member(own, role="owner"))

    assert client.get(page.address(row), follow=True).status_code == 200
    assert client.get(list_of(page)).status_code == 200


def list_of(page: TenantAdmin) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")


def references_to(model: type[models.Model]) -> list[tuple[type[models.Model], str]]:
    return [
        (page.model, field.name)
        for page in PAGES
        for field in page.model._meta.concrete_fields
        if field.related_model is model
    ]

"""Every page of every registered admin, asked for by people of another organization."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from tenancy.admin.base import TenantAdmin
from tenancy.models import Organization, User
from tests.factories import admin as rows
from tests.factories import tenancy

pytestmark = pytest.mark.django_db(transaction=True)

ROLES = ("owner", "admin", "editor", "viewer")
PAGES = [page for page in admin.site._registry.values() if isinstance(page, TenantAdmin)]


def name_of(page: TenantAdmin) -> str:
    return page.opts.label_lower


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def addresses(page: TenantAdmin, row: models.Model) -> list[str]:
    routes = ["change", "delete", "history", *page.routes]
    return [page.address(row, route) for route in routes]


@pytest.fixture(params=ROLES)
def stranger(request: pytest.FixtureRequest) -> Client:
    return signed_in(tenancy.member(role=request.param))


@pytest.fixture
def other() -> Organization:
    return tenancy.organization("Somebody Else Entirely")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_row_of_another_organization_is_not_found_on_any_page(
    page: TenantAdmin, stranger: Client, other: Organization
) -> None:
    row = rows.row_of(page.model, other)

    for address in addresses(page, row):
        assert stranger.get(address).status_code == 404, address
        assert stranger.post(address, {"reason": "x", "post": "yes"}).status_code == 404, address


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_list_shows_nothing_of_another_organization_whatever_the_url_says(
    page: TenantAdmin, stranger: Client, other: Organization
) -> None:
    row = rows.row_of(page.model, other)
    address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
    of_other = "pk" if page.model is Organization else "organization__id__exact"

    for query in ({}, {of_other: other.pk}, {of_other: other.pk, "_facets": "True"}, {"o": "1"}):
        response = stranger.get(address, query | {"window": "all"})

        assert response.status_code in (200, 302, 400, 403), query
        assert f"/{row.pk}/change/" not in response.content.decode()
        assert "Somebody Else" not in response.content.decode()


@pytest.mark.parametrize("page", [one for one in PAGES if one.search_fields], ids=name_of)
def test_autocomplete_suggests_nothing_of_another_organization(
    page: TenantAdmin, stranger: Client, other: Organization
) -> None:
    row = rows.row_of(page.model, other)
    for source, field in references_to(page.model):
        query = {
            "app_label": source._meta.app_label,
            "model_name": source._meta.model_name,
            "field_name": field,
            "term": str(getattr(row, "name", "") or row)[:5],
        }

        response = stranger.get(reverse("admin:autocomplete"), query)

        if response.status_code == 200:
            assert str(row.pk) not in [one["id"] for one in response.json()["results"]]
        else:
            assert response.status_code == 403


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_an_operator_sees_the_row_of_any_organization(
    page: TenantAdmin, other: Organization
) -> None:
    row = rows.row_of(page.model, other)
    client = signed_in(tenancy.operator())

    assert client.get(page.address(row)).status_code == 200
    listed = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
    assert client.get(listed, {"window": "all"}).status_code == 200


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_an_owner_sees_the_rows_of_the_own_organization(page: TenantAdmin) -> None:
    own = tenancy.organization()
    row = rows.row_of(page.model, own)
    client = signed_in(tenancy.member(own, role="owner"))

    assert client.get(page.address(row)).status_code == 200
    listed = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
    assert client.get(listed, {"window": "all"}).status_code == 200


def references_to(model: type[models.Model]) -> list[tuple[type[models.Model], str]]:
    return [
        (page.model, field.name)
        for page in PAGES
        for field in page.model._meta.concrete_fields
        if field.related_model is model
    ]

"""Two organizations with a project each, and what PostgreSQL says that a transaction may see."""

from collections.abc import Callable

import pytest
from django.db import connection

from tenancy.models import Organization, Project
from tests import factories

Seen = Callable[[], set[int]]


@pytest.fixture
def a(db: None) -> Organization:
    return factories.project().organization


@pytest.fixture
def b(db: None) -> Organization:
    return factories.project().organization


@pytest.fixture
def seen() -> Seen:
    """The organizations whose projects a query without any filter shows, asked past the ORM."""

    def ask() -> set[int]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT DISTINCT organization_id FROM {Project._meta.db_table}")
            return {row[0] for row in cursor.fetchall()}

    return ask

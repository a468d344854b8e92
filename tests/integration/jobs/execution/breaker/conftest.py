"""A job type with a breaker, and an organization."""

import pytest
from pytest_django import Settings

from jobs.job_types import JobType
from tenancy.models import Organization
from tests.factories import organization
from tests.factories.jobs import Note
from tests.integration.jobs.execution.breaker.destinations import POLICY, declare_to
from tests.integration.jobs.execution.conftest import Declare


@pytest.fixture(autouse=True)
def whole_waits(declare: Declare, settings: Settings) -> None:
    settings.JOBS_RETRY_SCALE = 1.0


@pytest.fixture
def job_type(declare: Declare) -> JobType[Note]:
    return declare_to(declare, POLICY)


@pytest.fixture
def of() -> Organization:
    return organization()

import pytest

from tests.factories.api import Caller


@pytest.fixture
def mallory(transactional_db: None) -> Caller:
    """An owner's account of organization A, who may do anything there."""
    return Caller.of(role="owner")


@pytest.fixture
def victim(transactional_db: None) -> Caller:
    """An account of organization B."""
    return Caller.of(role="owner")

import pytest

from tests.factories.api import Caller


@pytest.fixture
def admin(transactional_db: None, redis_url: str) -> Caller:
    """An admin's account of an organization of its own."""
    return Caller.of(role="admin")

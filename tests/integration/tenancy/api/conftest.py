import pytest

from tests.factories import api


@pytest.fixture
def caller(transactional_db: None) -> api.Caller:
    """An editor's account of an organization of its own."""
    return api.Caller.of(role="editor")

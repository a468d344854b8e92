"""Templates of Unfold that we changed, so that pages need no `unsafe-eval`.

When this fails, Unfold changed one of them: bring the change over to ours, then note the digest.
"""

from hashlib import sha256
from pathlib import Path

import pytest
import unfold

UPSTREAM = {
    "admin/nav_sidebar.html": "9ded21d2f1036a58",
    "unfold/helpers/change_list_filter_button.html": "f5492043bcfa9373",
    "unfold/helpers/command.html": "e10d80a03e4657fa",
    "unfold/helpers/navigation_user.html": "df49db2d72d7e8f2",
    "unfold/layouts/skeleton.html": "062bb8d9caf56385",
}


@pytest.mark.parametrize("name", UPSTREAM)
def test_the_template_that_ours_was_made_from_is_unchanged(name: str) -> None:
    original = Path(unfold.__file__).parent / "templates" / name

    assert sha256(original.read_bytes()).hexdigest()[:16] == UPSTREAM[name]

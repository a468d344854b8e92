"""The key that signs sessions, where none is given: made once, kept in the data folder.

And what must not be read on an error page.
"""

import os
import re
import secrets
from pathlib import Path

from django.views.debug import SafeExceptionReporterFilter

from jobsite.environment import BadVariable


class HiddenAddresses(SafeExceptionReporterFilter):
    """Django's, which hides keys and passwords; and addresses, which may hold a password."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|URL", flags=re.IGNORECASE
    )


def secret_key(data_dir: Path) -> str:
    """The kept key; made at the first call. Two first calls at once agree on one.

    Raises BadVariable where the folder cannot be made, read or written to.
    """
    try:
        return _kept(data_dir)
    except OSError as error:
        raise unusable(data_dir, error) from error


def unusable(data_dir: Path, error: OSError) -> BadVariable:
    """What to say of a data folder that the system refuses."""
    why = (error.strerror or str(error)).lower()
    return BadVariable(
        "DATA_DIR", str(data_dir), f"{why}; give a folder that can be made and written to"
    )


def _kept(data_dir: Path) -> str:
    path = data_dir / "secret_key"
    try:
        return path.read_text()
    except FileNotFoundError:
        pass
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"secret_key.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        # A link appears whole or not at all, and only the first one wins.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()

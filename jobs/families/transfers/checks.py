"""What is wrong with the object store's settings, told at start and by `manage.py check`."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""One of these says who we are; without any, the machine itself may (an instance's role)."""


def check_object_store(**_: Any) -> list[checks.CheckMessage]:
    """Looks at this machine only: a start must not wait for a store that is away."""
    place = settings.OBJECT_STORE
    if "folder" in place:
        return _folder(place["folder"])
    if place["endpoint"] and not any(os.environ.get(name) for name in CREDENTIALS):
        return [
            checks.Warning(
                f"OBJECT_STORE_URL names {place['endpoint']}, and no AWS_* variable says who we "
                "are there, so imports and exports will be refused.",
                hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for web and workers alike.",
                id="jobs.W020",
            )
        ]
    return []


def _folder(folder: Path) -> list[checks.CheckMessage]:
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return []
    return [
        checks.Error(
            f"OBJECT_STORE_URL names {folder}, and this process may not write to {nearest}, so "
            "imports and exports cannot keep a file.",
            hint="Let the user of this process write there, or name another folder or a bucket.",
            id="jobs.E020",
        )
    ]

"""What a rule has to say about one value; the converter adds where it stands."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jobs.families.transfers.files.issues import Level


class Finding(NamedTuple):
    """An error or a warning about one value."""

    code: str
    message: str
    level: Level = "row"
    detail: Mapping[str, Any] = {}

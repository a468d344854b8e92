"""Whoever approves that much goes types how much it is, since a short file looks like a whole one.

Half of a list is the one mistake that neither a roster's sync nor a replacing timeline can see.
"""

from collections.abc import Mapping
from typing import Any

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports.errors import NotApprovable

MANY = 10
MANY_PERCENT = 20
REMOVING = ("sync", "replace")
"""The modes that take a file for the whole of something."""
WHAT = {
    "people": ("people", "who"),
    "entries": ("entries of the missions that it names", "which"),
}
"""By the name in a plan of how many there are now."""


def are_many(plan: Mapping[str, Any]) -> bool:
    """Whether so many would be removed that the number has to be typed."""
    removed = plan["removed"]
    return removed > MANY or bool(removed * 100 > _present(plan)[1] * MANY_PERCENT)


def facts(plan: Mapping[str, Any]) -> dict[str, int]:
    """The numbers of it: removals, people or entries that there are now, share_percent."""
    name, present = _present(plan)
    share = round(100 * plan["removed"] / max(present, 1))
    return {"removals": plan["removed"], name: present, "share_percent": share}


def warning(plan: Mapping[str, Any]) -> Issue:
    """For whoever reads the plan."""
    return Issue(
        level="warn",
        code="many_removals",
        message=f"{_sentence(plan)} Is the file whole?",
        row=0,
        detail=facts(plan),
    )


def require_confirmed(plan: Mapping[str, Any], mode: str, typed: int | None) -> list[str]:
    """Raise NotApprovable unless that much may go; returns what had to be confirmed."""
    if plan["failed"] and mode in REMOVING:
        raise NotApprovable(
            "errors_not_allowed",
            f"{plan['failed']:,} of {plan['rows']:,} rows have errors, and what a file leaves out "
            "is known only when all of it can be read. Correct them and upload the file again.",
            found=plan["failed"],
            rows=plan["rows"],
        )
    if not plan["removed"] or not are_many(plan):
        return []
    if typed != plan["removed"]:
        raise NotApprovable(
            "many_removals", f"{_sentence(plan)} Type that number to approve it.", **facts(plan)
        )
    return ["many_removals"]


def _sentence(plan: Mapping[str, Any]) -> str:
    name, present = _present(plan)
    what, that = WHAT[name]
    return (
        f"The file leaves out {plan['removed']:,} of {present:,} {what} "
        f"({facts(plan)['share_percent']} %), {that} would be removed."
    )


def _present(plan: Mapping[str, Any]) -> tuple[str, int]:
    [name] = [one for one in WHAT if one in plan]
    return name, plan[name]

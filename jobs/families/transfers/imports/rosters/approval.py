"""What a person has to confirm before a roster is committed, and what nobody can.

A list that is half of the people is the one mistake that a sync cannot see, so the number of those
who would go is typed by whoever approves it.
"""

from collections.abc import Mapping
from typing import Any

from jobs.families.transfers.imports.errors import NotApprovable
from jobs.families.transfers.models import Import, RowIssue

MANY = 10
MANY_PERCENT = 20


def are_many(plan: Mapping[str, Any]) -> bool:
    """Whether so many people would be removed that the number has to be typed."""
    removed = plan["removed"]
    return removed > MANY or bool(removed * 100 > plan["people"] * MANY_PERCENT)


def removal_facts(plan: Mapping[str, Any]) -> dict[str, int]:
    """The numbers of it; the share among members and open invitations."""
    share = round(100 * plan["removed"] / max(plan["people"], 1))
    return {"removals": plan["removed"], "people": plan["people"], "share_percent": share}


def require_approvable(of: Import, confirm_removals: int | None) -> list[str]:
    """Raise NotApprovable unless the roster may be committed; returns what had to be confirmed."""
    plan = of.plan or {}
    against = RowIssue.objects.filter(
        organization_id=of.organization_id, of_import=of, row=0, level="file"
    ).first()
    if against is not None:
        raise NotApprovable(against.code, against.message, **against.detail)
    if plan["failed"] and of.choices["mode"] == "sync":
        raise NotApprovable(
            "errors_not_allowed",
            f"{plan['failed']:,} of {plan['rows']:,} rows have errors, and whom a file leaves out "
            "is known only when all of it can be read. Correct them and upload the file again.",
            found=plan["failed"],
            rows=plan["rows"],
        )
    if not are_many(plan):
        return []
    facts = removal_facts(plan)
    if confirm_removals != facts["removals"]:
        raise NotApprovable(
            "many_removals",
            "{removals:,} of {people:,} people ({share_percent} %) are not in the file and would "
            "be removed. Type that number to approve it.".format(**facts),
            **facts,
        )
    return ["many_removals"]

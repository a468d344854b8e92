"""Who hears that an import is through: one piece of news for all of it, none for its rows."""

from jobs.families.transfers.imports.statements import run as sql
from jobs.families.transfers.models import Import
from tenancy import changes

COUNTED = ("added", "changed", "unchanged", "removed", "failed")


def tell_completed(of: Import) -> None:
    """Announce it, in the caller's transaction, to those who watch `import.completed`.

    And to those who are assigned to the missions that it changed, where that was chosen.
    """
    done = {name: of.done.get(name, 0) for name in COUNTED}
    about = {"id": str(of.pk), "kind": of.kind, "file_name": of.file_name, **done}
    assignees = {"notify": _assignees(of)} if of.choices.get("notify_assignees") else {}
    changes.announce(
        "import.completed", {"import": about, **assignees}, organization=of.organization
    )


def _assignees(of: Import) -> list[int]:
    mine = {"organization_id": of.organization_id, "import_id": of.pk}
    return [row["id"] for row in sql("assignees", mine)]

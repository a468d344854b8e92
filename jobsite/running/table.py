"""What `make run` prints when everything is up: addresses, logins, three things to try."""

from collections.abc import Mapping
from pathlib import Path

from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table

from jobsite.demo.logins import LOGINS, PASSWORD


def show(ports: Mapping[str, int], *, logs: Path) -> None:
    web = f"http://localhost:{ports['PORT']}"
    receivers = f"http://localhost:{ports['RECEIVERS_WEB_PORT']}"
    table = Table(box=ROUNDED, show_header=False, show_lines=False, padding=(0, 1))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")

    table.add_section()
    table.add_row("Admin", f"{web}/admin/")
    table.add_row("API", f"{web}/api/v1/docs   {web}/api/v1/openapi.json")
    table.add_row("Health, metrics", f"{web}/readyz   {web}/metrics")
    table.add_row("Mails, webhooks", f"{receivers}/")
    table.add_row("Logs", f"{logs}/")
    table.add_section()
    for login in LOGINS:
        place = f"{login.role} of {login.organization.name}" if login.organization else login.role
        table.add_row(login.email, f"{place}, password {PASSWORD}")
    table.add_section()
    for number, (what, where) in enumerate(things_to_try(web, receivers), start=1):
        table.add_row(f"Try {number}", f"{what}\n[dim]{where}[/dim]")
    # A pipe has no width of its own, and addresses must not be broken.
    Console(width=max(Console().width, 100), highlight=False).print(table)


def things_to_try(web: str, receivers: str) -> list[tuple[str, str]]:
    return [
        (
            "As an editor, change a mission: the mail and the webhook that follow are here.",
            f"{web}/admin/tenancy/mission/  then  {receivers}/",
        ),
        (
            "As the operator, open a dead letter, read why it failed, retry it.",
            f"{web}/admin/jobs/deadletter/",
        ),
        (
            "As an admin, edit a notification template and look at its preview.",
            f"{web}/admin/templates/notificationtemplate/",
        ),
    ]

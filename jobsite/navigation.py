"""The menu of the admin site: what the signed-in person may see, in sections.

Each admin class says in which section it stands, with which symbol and how far up
(`ListAdmin.section`, `icon`, `rank`), so a new page needs no line here.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

SECTIONS = ("Jobs", "Notifications", "Work", "Transfers", "People", "Administration")


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's `SIDEBAR.navigation`."""
    sections: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS}
    for model, page in admin.site._registry.items():
        section = getattr(page, "section", "")
        if section and page.has_module_permission(request):
            options = model._meta
            entry = {
                "title": str(options.verbose_name_plural).capitalize(),
                "icon": getattr(page, "icon", "list"),
                "link": reverse(f"admin:{options.app_label}_{options.model_name}_changelist"),
                "rank": getattr(page, "rank", 100),
            }
            sections.setdefault(section, []).append(entry)
    home = {"title": "Dashboard", "icon": "home", "link": reverse("admin:index")}
    return [{"items": [home]}] + [
        {"title": name, "separator": True, "items": sorted(items, key=_rank)}
        for name, items in sections.items()
        if items
    ]


def stylesheet(request: HttpRequest) -> str:
    """Unfold's `STYLES`."""
    return static("control/pages.css")


def script(request: HttpRequest) -> str:
    """Unfold's `SCRIPTS`."""
    return static("control/keyboard.js")


def icon(request: HttpRequest) -> str:
    """Unfold's `SITE_FAVICONS`."""
    return static("control/icon.svg")


def _rank(entry: dict[str, Any]) -> tuple[int, str]:
    return entry["rank"], entry["title"]

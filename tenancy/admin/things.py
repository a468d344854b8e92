"""What records name by kind and number, such as mission 12: its name, and the way to its page."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from tenancy.admin.base import TenantAdmin


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A row that is there, and that the person may see.

    kind: as in "service account". name: as it is called now. address: of its page.
    """

    kind: str
    name: str
    address: str

    @property
    def link(self) -> str:
        """Kind and name, leading to it."""
        link = '{} <a class="text-primary-600 underline dark:text-primary-500" href="{}">{}</a>'
        return format_html(link, self.kind, self.address, self.name)


def things_of(
    request: HttpRequest, named: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Thing]:
    """Those of (kind, id) that have a page and are the person's to see; one query a kind."""
    ids: dict[str, set[str]] = defaultdict(set)
    for kind, key in named:
        ids[kind].add(str(key))
    found = {}
    for model, page in admin.site._registry.items():
        kind = str(model._meta.model_name)
        if kind not in ids or not isinstance(page, TenantAdmin):
            continue
        rows = page.get_queryset(request)
        if isinstance(page.list_select_related, (list, tuple)) and page.list_select_related:
            rows = rows.select_related(*page.list_select_related)
        for row in rows.filter(pk__in=_valid(model, ids[kind])):
            found[kind, str(row.pk)] = Thing(
                kind=str(model._meta.verbose_name),
                name=str(row),
                address=reverse(
                    f"admin:{model._meta.app_label}_{kind}_change", args=[quote(row.pk)]
                ),
            )
    return found


def thing_of(request: HttpRequest, kind: str, key: object) -> Thing | None:
    """One of them."""
    return things_of(request, [(kind, str(key))]).get((kind, str(key)))


def _valid(model: type, keys: Iterable[str]) -> list[object]:
    """Without those that cannot be a key of this model, such as the * of all organizations."""
    key = model._meta.pk  # type: ignore[attr-defined]
    valid = []
    for text in keys:
        try:
            valid.append(key.to_python(text))
        except ValidationError:
            continue
    return valid

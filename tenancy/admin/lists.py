"""Lists that stay fast at ten million rows, and the one that does not and says so.

What costs seconds there: counting all rows, facets, `date_hierarchy`, choices read from a column,
sorting by anything but the key. None of it is used, and none can be switched on from the URL.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.admin import ActionLocation, ShowFacets
from django.contrib.admin import ModelAdmin as DjangoModelAdmin
from django.core.exceptions import SuspiciousOperation
from django.core.paginator import Paginator
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from psycopg.errors import QueryCanceled

from tenancy.admin.filters import in_force

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.admin import ModelAdmin
    from unfold.views import ChangeList

ROWS = 50
COUNTED = 10_000
TIMEOUT_MS = 2000
OPERATORS = ("", "exact", "in", "isnull", "id__exact", "id__in")


class Count(int):
    """A number of rows that reads "10,000+" where counting ended."""

    def __str__(self) -> str:
        return f"{COUNTED:,}+" if self > COUNTED else f"{int(self):,}"


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts as far as 10,000 rows (1–13 ms); what lies beyond is for a narrower filter."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or 10,001 for more."""
        rows = self.object_list
        return Count(
            rows.order_by()[: COUNTED + 1].count() if isinstance(rows, QuerySet) else len(rows)
        )


class NewestFirst(ChangeList):
    """A list in the order of its key, whatever `?o=` says."""

    model_admin: "ListAdmin"

    def get_ordering(self, request: HttpRequest, queryset: Any) -> Any:
        """Newest first."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """The page of rows, read once, with what `ListAdmin.prepare` adds to them."""
        super().get_results(request)
        # Unequal, they make a link in the title that promises to show all.
        self.full_result_count = self.result_count
        self.result_list = list(self.result_list)
        self.model_admin.prepare(request, self.result_list)
        self._say_what_is_shown()

    def _say_what_is_shown(self) -> None:
        """Name the filters in force, those that nobody chose included, and the way to all rows.

        filters_in_force: title and value of each. clear_all_filters_qs: the query without any.
        """
        self.filters_in_force = [
            (spec.title, value) for spec in self.filter_specs if (value := in_force(spec))
        ]
        self.has_active_filters = bool(self.filters_in_force)
        defaults = [spec for spec in self.filter_specs if getattr(spec, "default_choice", "")]
        self.clear_all_filters_qs = self.get_query_string(
            {spec.parameter_name: "all" for spec in defaults},  # type: ignore[attr-defined]
            remove=[*self.get_filters_params()],
        )

    def get_ordering_field_columns(self) -> dict[Any, Any]:
        """No column is marked as sorted."""
        return {}


class ListAdmin(ModelAdmin):  # type: ignore[type-arg]
    """The base of every page with a list.

    section, icon, rank: its place in the navigation, its Material symbol, and how far up it stands.
    """

    section: str = ""
    icon: str = "list"
    rank: int = 100

    list_per_page = ROWS
    list_max_show_all = 0
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_disable_select_all = True
    list_filter_submit = True
    list_filter_sheet = False
    list_before_template = "admin/filters_in_force.html"
    date_hierarchy = None
    sortable_by = ()
    ordering = ("-pk",)
    actions: Any = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list in its one order."""
        return NewestFirst

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """What the page filters by, and nothing else.

        Django allows any column of the model, so that one which a page hides (a digest, a worker's
        name) could be guessed letter by letter, and any operator, regular expressions included.
        """
        name, _, operator = lookup.partition("__")
        if name in map(_name_of, self.list_filter):
            return operator in OPERATORS
        fields = self.opts.get_fields()
        columns = {getattr(one, "attname", one.name) for one in fields}
        return name not in {"pk", *columns, *(one.name for one in fields)}

    def prepare(self, request: HttpRequest, rows: list[Any]) -> None:
        """Add to the rows of a page what its columns show; a query for all instead of one each."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, or after two seconds a page that offers a narrower one."""
        # Django's own title reads "Select job to change".
        title = str(self.opts.verbose_name_plural).capitalize()
        extra_context = {"title": title, **(extra_context or {})}
        if request.method != "GET":
            return super().changelist_view(request, extra_context)
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    # For this transaction, which ends with the page.
                    cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
                return super().changelist_view(request, extra_context)
        except OperationalError as error:
            if isinstance(error.__cause__, QueryCanceled):
                return self._too_slow(request)
            raise

    def _too_slow(self, request: HttpRequest) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "This list took too long",
            "opts": self.opts,
            "seconds": TIMEOUT_MS // 1000,
        }
        return TemplateResponse(request, "admin/too_slow.html", context)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> Any:
        """An action on the rows that were ticked, a page of them at most.

        "All that match" is offered nowhere; asked for all the same, it would read every row into
        this process. Raises SuspiciousOperation.
        """
        if request.POST.get("select_across", "").lower() not in ("", "0", "false"):
            raise SuspiciousOperation("all rows at once")
        return super().response_action(request, queryset, *args, **kwargs)

    def get_action_choices(
        self,
        request: HttpRequest,
        default_choices: Any = None,
        action_location: ActionLocation = ActionLocation.CHANGE_LIST,
    ) -> list[tuple[str, str]]:
        """As Django's; Unfold's still has the signature that Django deprecates."""
        return DjangoModelAdmin.get_action_choices(
            self, request, [("", "Select action")], action_location
        )

    # The audit log tells who did what, inside the transaction that did it. Django's own log of the
    # admin would say it a second time, to nobody.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Not here."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Not here."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Not here."""


def _name_of(list_filter: Any) -> str:
    """The field or parameter that a filter of a list reads from the URL."""
    if isinstance(list_filter, tuple):
        return str(list_filter[0])
    return str(getattr(list_filter, "parameter_name", list_filter))

"""Webhook endpoints: set up, test, rotate, disable; a secret is shown once, where it was made."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from jobs.families.notifications import endpoints
from jobs.families.notifications.errors import AddressRefused
from jobs.families.notifications.models import EndpointState
from jobs.families.notifications.webhooks import address
from jobs.families.notifications.webhooks.allowed import address_rules
from jobs.models import Endpoint
from templates.catalogue import EVENT_TYPES
from tenancy.access import Permission
from tenancy.acting import because
from tenancy.admin.base import BY_ORGANIZATION, Button
from tenancy.admin.columns import column
from tenancy.admin.confirm import Question, ask, done
from tenancy.admin.filters import chosen
from tenancy.admin.forms import TenantForm
from tenancy.admin.once import ShownOnceAdmin, form_id, is_repeated
from tenancy.admin.rights import rights_of

STATE_LABELS = {"Active": "success", "Disabled": "warning", "Deleted": None}


class EndpointForm(TenantForm):
    """Where it is and what it hears."""

    url = forms.CharField(
        label="Address",
        max_length=2048,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://example.com/hooks"}),
        help_text=lazy(lambda: address_rules().advice, str)(),
    )
    event_types = forms.MultipleChoiceField(
        label="Events",
        required=False,
        choices=[(one.name, one.title) for one in EVENT_TYPES.values()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )

    def clean_url(self) -> str:
        """Refuse an address that no webhook may go to, with the one text for every cause."""
        url: str = self.cleaned_data["url"].strip()
        try:
            address.parse(url, address_rules())
        except AddressRefused as error:
            raise ValidationError(str(error)) from error
        return url


@admin.register(Endpoint)
class EndpointAdmin(ShownOnceAdmin):
    """Where an organization receives webhooks."""

    section, icon, rank = "Notifications", "webhook", 10
    view_permission = Permission.ENDPOINT_VIEW
    add_permission = change_permission = Permission.ENDPOINT_MANAGE
    routes: ClassVar = {
        "test": "test_view",
        "rotate": "rotate_view",
        "disable": "disable_view",
        "enable": "enable_view",
        "try_again": "try_again_view",
        "remove": "remove_view",
        "shown": "shown_view",
    }
    secret_name, secret_template = "secret", "admin/notifications/endpoint_secret.html"

    form = EndpointForm
    list_display = ("name", "url", "shown_state", "hears", "created_at")
    list_filter = (
        BY_ORGANIZATION,
        chosen("state", "state", lambda: [("active", "Active"), ("disabled", "Disabled")]),
    )
    search_fields = ("name__istartswith",)
    search_help_text = "Beginning of the name"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        """Deleted ones are gone for people."""
        return super().get_queryset(request).exclude(state=EndpointState.DELETED)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What can be chosen, and what is known."""
        known = ("shown_state", "state_reason", "receiver", "rotation", "deliveries") if obj else ()
        return ("organization", "name", "url", "event_types", *known)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What has a button of its own."""
        known = ("shown_state", "state_reason", "receiver", "rotation", "deliveries")
        return (*super().get_readonly_fields(request, obj), *known)

    @column("state", labels=STATE_LABELS)
    def shown_state(self, endpoint: Endpoint) -> str:
        """The state, as a label."""
        return endpoint.get_state_display()

    @column("hears of")
    def hears(self, endpoint: Endpoint) -> str:
        """How many kinds of events."""
        count = len(endpoint.event_types)
        return f"{count} event type{'' if count == 1 else 's'}"

    @column("receiver")
    def receiver(self, endpoint: Endpoint) -> str:
        """Whether webhooks are held back because it does not take them."""
        outage = endpoints.outage(endpoint)
        if outage is None or not outage.failures:
            return "Takes what is sent."
        failures = f"{outage.failures} failure{'' if outage.failures == 1 else 's'} in a row"
        if outage.open_until is None:
            return f"{failures}. Webhooks go on being sent."
        return (
            f"{failures}: webhooks are held, and one tries from "
            f"{outage.open_until:%Y-%m-%d %H:%M} UTC on. When it arrives the others follow."
        )

    @column("secret")
    def rotation(self, endpoint: Endpoint) -> str:
        """Whether two secrets sign now."""
        if endpoint.previous_until is None:
            return "One secret signs. It cannot be shown again; rotate it to get a new one."
        until = f"{endpoint.previous_until:%Y-%m-%d %H:%M} UTC"
        return f"After a rotation the previous secret signs too, until {until}."

    @column("deliveries")
    def deliveries(self, endpoint: Endpoint) -> str:
        """The way to what was sent there."""
        listed = reverse("admin:jobs_delivery_changelist")
        return format_html(
            '<a class="underline" href="{}?endpoint={}&amp;window=all">What was sent there</a>',
            listed,
            endpoint.pk,
        )

    # -- what can be done -----------------------------------------------------------------------

    def buttons(self, request: HttpRequest, obj: Endpoint) -> list[Button]:
        """What is legal in this state."""
        if not self.has_change_permission(request, obj):
            return []
        switch = (
            Button(title="Disable", route="disable", icon="block")
            if obj.state == EndpointState.ACTIVE
            else Button(title="Enable", route="enable", icon="play_arrow")
        )
        outage = endpoints.outage(obj)
        again = Button(title="Try again now", route="try_again", icon="replay")
        return [
            *([again] if outage and outage.is_open else []),
            Button(title="Send a test", route="test", icon="send", variant=ActionVariant.PRIMARY),
            Button(title="Rotate the secret", route="rotate", icon="autorenew"),
            switch,
            Button(title="Delete", route="remove", icon="delete", variant=ActionVariant.DANGER),
        ]

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        """Make an endpoint with its secret, or change it."""
        wanted = {name: form.cleaned_data[name] for name in ("name", "url", "event_types")}
        if change:
            endpoints.change(obj, **wanted)
            return
        made, secret = endpoints.create(obj.organization_id, **wanted)
        obj.pk = made.pk
        request._secret = secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """To the secret."""
        return self.keep(request, obj, request._secret)  # type: ignore[attr-defined]

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send the sample of an event, and show what came back; takes up to 25 seconds."""
        endpoint = self._mine(request, object_id)
        result = endpoints.send_test(endpoint) if request.method == "POST" else None
        body = result.response.body.decode(errors="replace") if result and result.response else ""
        context = {
            "title": f"Send a test to {endpoint.name}",
            "endpoint": endpoint,
            "result": result,
            "body": body,
            "is_operator": rights_of(request).is_operator,
            "address": self.address(endpoint),
        }
        return self._page(request, "endpoint_test", context)

    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a new secret."""
        endpoint = self._mine(request, object_id)
        question = Question(
            title=f"Give {endpoint.name} a new secret?",
            button="Make a new secret",
            sentences=[
                "For 24 hours both secrets sign, so the receiver can change in between.",
                "Whatever signed before the current secret stops at once.",
            ],
            hidden=[form_id()],
        )
        if is_repeated(request):
            return self.repeated(request)
        answer = ask(request, self, question)
        if isinstance(answer, HttpResponse):
            return answer
        with because(answer):
            return self.keep(request, endpoint, endpoints.rotate(endpoint))

    def disable_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send nothing there any more."""
        endpoint = self._mine(request, object_id)
        question = Question(
            title=f"Disable {endpoint.name}?",
            button="Disable",
            sentences=[
                "Nothing goes there until it is enabled again. What is on its way becomes a dead "
                "letter that can be retried then; events in between are not kept for it."
            ],
            danger=True,
        )
        answer = ask(request, self, question)
        if isinstance(answer, HttpResponse):
            return answer
        with because(answer):
            endpoints.disable(endpoint, answer)
        return done(request, f"Disabled {endpoint.name}.", self.address(endpoint))

    def enable_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send there again."""
        endpoint = self._mine(request, object_id)
        answer = ask(request, self, Question(title=f"Enable {endpoint.name}?", button="Enable"))
        if isinstance(answer, HttpResponse):
            return answer
        with because(answer):
            endpoints.enable(endpoint)
        return done(request, f"Enabled {endpoint.name}.", self.address(endpoint))

    def try_again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let what its breaker holds go on."""
        endpoint = self._mine(request, object_id)
        question = Question(
            title=f"Send to {endpoint.name} again?",
            button="Try again",
            sentences=["What is held goes on, slowly at first. If it fails, it is held again."],
        )
        answer = ask(request, self, question)
        if isinstance(answer, HttpResponse):
            return answer
        with because(answer):
            was_open = endpoints.try_again(endpoint, answer)
        said = "is tried again" if was_open else "was being tried already"
        return done(request, f"{endpoint.name} {said}.", self.address(endpoint))

    def remove_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Delete it for people; its deliveries stay in the history."""
        endpoint = self._mine(request, object_id)
        question = Question(
            title=f"Delete {endpoint.name}?",
            button="Delete",
            sentences=["Nothing goes there any more. What was sent there stays in the history."],
            danger=True,
        )
        answer = ask(request, self, question)
        if isinstance(answer, HttpResponse):
            return answer
        with because(answer):
            endpoints.remove(endpoint)
        listed = reverse("admin:jobs_endpoint_changelist")
        return done(request, f"Deleted {endpoint.name}.", listed)

    def _mine(self, request: HttpRequest, object_id: str) -> Endpoint:
        endpoint: Endpoint = self.get_object(request, object_id)
        self.require(request, self.has_change_permission(request, endpoint))
        return endpoint

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/notifications/{name}.html", whole)

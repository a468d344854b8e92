"""Choose a password by a link in a mail: for a new account, or when it is forgotten.

Django's own views, in the looks of the sign-in page; whether a mail address is known, none of them
says. The names of the last three are those that Django's views look for.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.db import transaction
from django.http import HttpResponse
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from jobsite.sign_ins import may_send_link, password_chosen

_public = urlsplit(settings.PUBLIC_URL)
# The link leads to us, whatever name the request was sent to.
LINK = {"domain": _public.netloc, "site_name": _public.netloc, "protocol": _public.scheme}


def mail_link(email: str) -> None:
    """Send somebody for whom an account was made a link to choose a password."""
    form = PasswordResetForm({"email": email})
    if form.is_valid():
        form.save(
            domain_override=LINK["domain"],
            use_https=LINK["protocol"] == "https",
            subject_template_name="passwords/subject.txt",
            email_template_name="passwords/mail.txt",
        )


class ForgottenForm(PasswordResetForm):
    """The mail address that somebody signs in with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "Mail address"
        self.fields["email"].widget = UnfoldAdminEmailInputWidget(
            attrs={"autocomplete": "email", "autofocus": True}
        )

    def get_users(self, email: str) -> Iterator[Any]:
        """Whoever has this address and was sent no link a moment ago: nobody's inbox is flooded."""
        return (person for person in super().get_users(email) if may_send_link(person))


class ChooseForm(SetPasswordForm[Any]):
    """A new password, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})


class _Page:
    """With what every page of the site has around its content."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**admin.site.each_context(self.request), **context}  # type: ignore[attr-defined]


class Forgotten(_Page, views.PasswordResetView):
    """Ask for a link."""

    form_class = ForgottenForm
    template_name = "passwords/forgotten.html"
    email_template_name = "passwords/mail.txt"
    subject_template_name = "passwords/subject.txt"
    extra_email_context = LINK


class Sent(_Page, views.PasswordResetDoneView):
    """It is on its way, if the address is known."""

    template_name = "passwords/sent.html"


class Choose(_Page, views.PasswordResetConfirmView):
    """Behind the link."""

    form_class = ChooseForm
    template_name = "passwords/choose.html"

    def form_valid(self, form: Any) -> HttpResponse:
        """The password and its record, or neither."""
        with transaction.atomic():
            response = super().form_valid(form)
            password_chosen(form.user)
        return response


class Chosen(_Page, views.PasswordResetCompleteView):
    """Done."""

    template_name = "passwords/chosen.html"


urlpatterns: list[URLPattern] = [
    path("forgotten/", Forgotten.as_view(), name="password_forgotten"),
    path("sent/", Sent.as_view(), name="password_reset_done"),
    path("choose/<uidb64>/<token>/", Choose.as_view(), name="password_reset_confirm"),
    path("chosen/", Chosen.as_view(), name="password_reset_complete"),
]

"""Choose a password by a link in a mail: after an invitation, or when it is forgotten.

Django's own views, in the looks of the sign-in page; whether a mail address is known, none of them
says. The names of the last three are those that Django's views look for.
"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

_public = urlsplit(settings.PUBLIC_URL)
# The link leads to us, whatever name the request was sent to.
LINK = {"domain": _public.netloc, "site_name": _public.netloc, "protocol": _public.scheme}


class ForgottenForm(PasswordResetForm):
    """The mail address that somebody signs in with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "Mail address"
        self.fields["email"].widget = UnfoldAdminEmailInputWidget(
            attrs={"autocomplete": "email", "autofocus": True}
        )


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


class Chosen(_Page, views.PasswordResetCompleteView):
    """Done."""

    template_name = "passwords/chosen.html"


urlpatterns: list[URLPattern] = [
    path("forgotten/", Forgotten.as_view(), name="password_forgotten"),
    path("sent/", Sent.as_view(), name="password_reset_done"),
    path("choose/<uidb64>/<token>/", Choose.as_view(), name="password_reset_confirm"),
    path("chosen/", Chosen.as_view(), name="password_reset_complete"),
]

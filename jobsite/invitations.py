"""The page behind the link of an invitation: accept it, with an account that one has or makes here.

    signed in with the invited address      one button
    not signed in, there is an account      its password, and the person is signed in
    not signed in, there is none            a name and a password: the account is made here
    signed in with another address          nothing but to sign out

Which of the middle two it is, only whoever holds the link learns: that is who reads the mailbox.
A link that opens nothing has one answer, whatever the reason, and so has one that never was.

The address stands outside the admin site, whose scope is the person's own organizations; here it is
the one of the link.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import authenticate, login
from django.contrib.auth.forms import SetPasswordForm
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, re_path
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from tenancy import invitations
from tenancy.acting import Actor, acting
from tenancy.errors import InvitationClosed, NoSeats
from tenancy.models import Invitation, User
from tenancy.scope import scope

BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignedInForm(forms.Form):
    """A button."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.POST if request.method == "POST" else None)
        self._person = request.user

    def person(self) -> User:
        """Who accepts."""
        assert isinstance(self._person, User)
        return self._person


class PasswordForm(forms.Form):
    """The password of the account that the invited address has."""

    password = forms.CharField(
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, account: User) -> None:
        super().__init__(request.POST if request.method == "POST" else None)
        self._request, self._account = request, account

    def clean_password(self) -> str:
        """Right, and not one of too many wrong ones: by the door that sign-in uses."""
        password = str(self.cleaned_data["password"])
        if authenticate(self._request, username=self._account.email, password=password) is None:
            raise forms.ValidationError("This is not the password of this account.")
        return password

    def person(self) -> User:
        """Who accepts."""
        return self._account


class NewAccountForm(SetPasswordForm[User]):
    """A name, and a password twice, of an account that is made when they are good."""

    name = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "name"})
    )
    field_order = ("name", "new_password1", "new_password2")

    def __init__(self, request: HttpRequest, found: Invitation) -> None:
        data = request.POST if request.method == "POST" else None
        super().__init__(User(email=found.email), data, initial={"name": found.name})
        for name in ("new_password1", "new_password2"):
            self.fields[name].widget = UnfoldAdminPasswordWidget(
                attrs={"autocomplete": "new-password"}
            )

    def person(self) -> User:
        """Who accepts: an account that is new. Raises IntegrityError if there is one by now."""
        password = self.cleaned_data["new_password1"]
        return User.objects.create_user(self.user.email, password, name=self.cleaned_data["name"])


type AcceptForm = SignedInForm | PasswordForm | NewAccountForm


@never_cache
def invitation(request: HttpRequest, organization_id: str, token: str) -> HttpResponse:
    """Show the invitation, or accept it."""
    key = int(organization_id)
    try:
        with scope(key), transaction.atomic():
            found = invitations.find(key, token)
            account = invitations.account_of(found)
        form = _form(request, found, account)
        if form is None:
            status = 403 if request.method == "POST" else 200
            return _page(request, "somebody_else", status=status, invitation=found)
        if request.method == "POST" and form.is_valid():
            return _accept(request, found, token, form)
    except InvitationClosed as error:
        return _page(request, "closed", status=404, said=str(error))
    except NoSeats:
        return _page(request, "closed", status=409, said="The organization has no seat free now.")
    return _page(request, "accept", invitation=found, form=form)


def _form(request: HttpRequest, found: Invitation, account: User | None) -> AcceptForm | None:
    if isinstance(request.user, User):
        return SignedInForm(request) if invitations.is_for(found, request.user) else None
    return NewAccountForm(request, found) if account is None else PasswordForm(request, account)


def _accept(request: HttpRequest, found: Invitation, token: str, form: AcceptForm) -> HttpResponse:
    try:
        with scope(found.organization_id), transaction.atomic():
            person = form.person()
            with acting(Actor.user(person.pk), source="web"):
                invitations.accept(found.organization_id, token, person)
    except IntegrityError:  # of two such pages the other made the account: it has a password now
        return redirect(request.path)
    # Only now: a sign-in is recorded in the logs of all organizations that the person belongs to.
    if not request.user.is_authenticated:
        login(request, person, backend=BACKEND)
    messages.success(request, f"You work in {found.organization} now.")
    return redirect("admin:index")


def _page(request: HttpRequest, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
    # A scope that shows nothing: what stands around the page asks for the person's organizations.
    with scope([]), transaction.atomic():
        around = admin.site.each_context(request)
        return render(request, f"invitations/{name}.html", {**around, **context}, status=status)


urlpatterns: list[URLPattern] = [
    re_path(
        r"^(?P<organization_id>[0-9]{1,18})/(?P<token>[0-9a-f]{64})/$",
        invitation,
        name="invitation",
    ),
]

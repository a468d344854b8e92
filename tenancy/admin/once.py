"""A secret that is shown once, on a page of its own behind a redirect: a reload repeats no act.

    form ──POST──► the act, `keep` ──redirect──► `shown_view` takes the secret and shows it
                   the same form once more: nothing is done, `repeated` says so

On its way the secret waits in the session, encrypted with a key that the database does not hold,
for ten minutes at most.
"""

import base64
import secrets
from functools import lru_cache
from typing import Any, ClassVar

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from tenancy.admin.base import TenantAdmin

FIELD = "form_id"
WAITS_SECONDS = 600
REMEMBERED = 20
_SENT, _SECRET = "forms_sent", "secret_to_show"


class ShownOnceAdmin(TenantAdmin):
    """Pages of rows that come with a secret. A subclass puts `shown` among its routes.

    secret_name: as the pages call it, such as "token". secret_template: shows `secret`.
    """

    secret_name: ClassVar[str]
    secret_template: ClassVar[str]
    change_form_before_template = "admin/form_id.html"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The form; where a row is made, it is taken once."""
        if object_id is None and is_repeated(request):
            return self.repeated(request)
        context = {"form_id": secrets.token_urlsafe(16), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def keep(self, request: HttpRequest, obj: Any, secret: str) -> HttpResponse:
        """Put the secret by, and lead to the page that shows it."""
        address = self.address(obj, "shown")
        request.session[_SECRET] = {
            "address": address,
            "secret": _cipher().encrypt(secret.encode()).decode(),
        }
        remember(request)
        return HttpResponseRedirect(address)

    def repeated(self, request: HttpRequest) -> HttpResponse:
        """Do nothing. Who clicked twice is led to the secret of the first click."""
        waiting = request.session.get(_SECRET)
        if waiting is not None:
            return HttpResponseRedirect(waiting["address"])
        messages.warning(request, "This form was sent before, so nothing was done again.")
        listed = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        return HttpResponseRedirect(reverse(listed))

    def shown_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The secret, this once."""
        obj = self.get_object(request, object_id)
        self.require(request, self.has_change_permission(request, obj))
        secret = _take(request, self.address(obj, "shown"))
        if secret is None:
            said = f"The {self.secret_name} was shown and cannot be shown again."
            messages.warning(request, f"{said} Make a new one if it is lost.")
            return HttpResponseRedirect(self.address(obj))
        context = {
            **self.admin_site.each_context(request),
            "title": f"The {self.secret_name} of {obj}",
            "opts": self.opts,
            "secret": secret,
            "address": self.address(obj),
        }
        # Like every page of the admin site it goes out with `no-store`.
        return TemplateResponse(request, self.secret_template, context)


def form_id() -> tuple[str, str]:
    """A hidden field that tells one form from all others; for `Question.hidden`."""
    return FIELD, secrets.token_urlsafe(16)


def is_repeated(request: HttpRequest) -> bool:
    """Whether this very form was sent before.

    Locks the session until the transaction ends: of two clicks at once the second waits here.
    """
    if request.method != "POST":
        return False
    stored = Session.objects.select_for_update().filter(pk=request.session.session_key).first()
    if stored is None:  # signed out meanwhile
        return True
    request.session.update(stored.get_decoded())
    sent = request.POST.get(FIELD)
    return bool(sent) and sent in request.session.get(_SENT, ())


def remember(request: HttpRequest) -> None:
    """Note that this form was sent, in the transaction of the act: both hold, or neither."""
    sent = [*request.session.get(_SENT, ()), request.POST.get(FIELD, "")]
    request.session[_SENT] = sent[-REMEMBERED:]
    request.session.save()


def _take(request: HttpRequest, address: str) -> str | None:
    waiting = request.session.get(_SECRET)
    if waiting is None or waiting["address"] != address:
        return None
    del request.session[_SECRET]
    try:
        return _cipher().decrypt(waiting["secret"], ttl=WAITS_SECONDS).decode()
    except InvalidToken:
        return None


def _cipher() -> Fernet:
    return _cipher_of(settings.SECRET_KEY)


@lru_cache(maxsize=2)
def _cipher_of(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tenancy.admin.once")
    return Fernet(base64.urlsafe_b64encode(derived.derive(key.encode())))

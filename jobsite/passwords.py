"""Choose a password by a link in a mail: after an invitation, or when it is forgotten.

Django's own views; whether a mail address is known, none of them says. The names are those that
Django's views and Unfold's sign-in page look for.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import views
from django.urls import URLPattern, path

_public = urlsplit(settings.PUBLIC_URL)
# The link leads to us, whatever name the request was sent to.
LINK = {"domain": _public.netloc, "site_name": _public.netloc, "protocol": _public.scheme}

urlpatterns: list[URLPattern] = [
    path(
        "forgotten/",
        views.PasswordResetView.as_view(extra_email_context=LINK),
        name="admin_password_reset",
    ),
    path("sent/", views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path(
        "choose/<uidb64>/<token>/",
        views.PasswordResetConfirmView.as_view(),
        name="password_reset_confirm",
    ),
    path("chosen/", views.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
]

"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from jobs.api.files import serve_file
from jobsite.api import api
from jobsite.health import healthz, readyz
from jobsite.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/password/", include("jobsite.passwords")),
    path("admin/", admin.site.urls),
    path("invitations/", include("jobsite.invitations")),
    path("api/v1/organizations/<int:organization_id>/files/<str:token>", serve_file),
    path("api/v1/", api.urls),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}control/icon.svg")),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]

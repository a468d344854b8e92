from django.apps import AppConfig
from django.contrib.admin import apps as django_admin


class JobsiteConfig(AppConfig):
    default = True
    name = "jobsite"
    verbose_name = "Site"

    def ready(self) -> None:
        """Listen to sign-ins."""
        from jobsite import sign_ins

        sign_ins.connect()


class AdminConfig(django_admin.AdminConfig):
    """Django's admin, with our site as its one site."""

    default = False
    default_site = "jobsite.site.Site"

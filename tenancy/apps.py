"""Django's entry to the app."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """Organizations and who may see and do what in them."""

    name = "tenancy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Give the roles their rights before the first table is made."""
        from tenancy import roles

        roles.connect(self)

"""Django's entry to the app."""

from django.apps import AppConfig


class TemplatesConfig(AppConfig):
    """Notification templates: versions, rendering, the editor."""

    name = "templates"
    verbose_name = "Notification templates"
    default_auto_field = "django.db.models.BigAutoField"

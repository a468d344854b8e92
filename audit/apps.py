"""Django's entry to the app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit log."""

    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of every write of a domain entity, and of every operator scope."""
        from audit.changes import record_changes
        from audit.looks import record_operator_scope
        from tenancy import changes, scope

        changes.register_listener(record_changes)
        scope.register_reporter(record_operator_scope)

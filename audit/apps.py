"""Django's entry to the app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit log."""

    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of every write of a domain entity, and of every operator scope."""
        from django.core.checks import Tags, register

        from audit.changes import record_changes
        from audit.checks import check_append_only, check_key
        from audit.looks import record_operator_scope
        from tenancy import changes, scope

        register(check_append_only, Tags.database, deploy=True)
        register(check_key, Tags.security, deploy=True)
        changes.register_listener(record_changes)
        scope.register_reporter(record_operator_scope)

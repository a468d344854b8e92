"""Django's entry to the app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background work."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the execution hear of the worker it runs in, and of messages that nothing can run.

        Not in the setting DRAMATIQ_BROKER, which is read before there are models.
        """
        import dramatiq

        from jobs.broker.broker import GroupBroker
        from jobs.execution.middleware import WorkerLife
        from jobs.execution.poison import on_poison

        broker = dramatiq.get_broker()
        if isinstance(broker, GroupBroker):
            broker.add_middleware(WorkerLife())
            broker.on_poison.append(on_poison)

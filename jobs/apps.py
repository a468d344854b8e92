"""Django's entry to the app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background work."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the execution hear of its worker and of poison, and the family hear of events.

        Every process knows every job type, not workers alone: the admin tells of their policies,
        and `manage.py check` stops at a declaration that could never work.

        Not in the setting DRAMATIQ_BROKER, which is read before there are models.
        """
        import dramatiq
        from django.core.checks import register

        import jobs.actors  # noqa: F401 - declares them
        from jobs.alerts.checks import check_channels
        from jobs.broker.broker import GroupBroker
        from jobs.execution.claiming import claim_fetched, give_back_unstarted
        from jobs.execution.middleware import WorkerLife
        from jobs.execution.poison import on_poison
        from jobs.families.notifications.listening import enqueue_fan_out, enqueue_invitations
        from jobs.families.search.listening import count_changes
        from jobs.families.search.upkeep import follow_organization
        from jobs.families.transfers.checks import check_object_store
        from jobs.families.transfers.exports import removal as exported
        from jobs.families.transfers.imports import removal as imported
        from jobs.job_types import GROUPS
        from tenancy.changes import register_listener

        register(check_channels)
        register(check_object_store)
        register_listener(enqueue_fan_out)
        register_listener(enqueue_invitations)
        register_listener(exported.expire_of_suspended)
        register_listener(imported.expire_of_suspended)
        register_listener(count_changes)
        register_listener(follow_organization)
        broker = dramatiq.get_broker()
        if isinstance(broker, GroupBroker):
            broker.add_middleware(WorkerLife())
            broker.on_poison.append(on_poison)
            broker.on_fetched.append(claim_fetched)
            broker.on_returned.append(give_back_unstarted)
            # A worker listens on every group it was started for, also where it knows no job type:
            # a job of a newer release then becomes a dead letter, and does not wait for ever.
            for group in GROUPS:
                broker.declare_queue(group)

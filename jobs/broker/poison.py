"""Messages that nobody can run: told apart from good ones, and handed to a person."""

import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from dramatiq import Broker, Message, get_encoder
from dramatiq.errors import ActorNotFound, DecodeError

from jobs.broker.messages import (
    Ack,
    Disposition,
    GroupMessage,
    Leased,
    Poison,
    PoisonHook,
    RetryAfter,
)

# A hook that fails (the database is away) is tried again, so that no dead letter is lost.
TRY_HOOKS_AGAIN_AFTER = timedelta(minutes=1)

logger = logging.getLogger(__name__)


class Unrunnable(Exception):
    """This process has no way to run these bytes."""

    def __init__(self, poison: Poison) -> None:
        self.poison = poison
        super().__init__(poison.reason)


def decode(leased: Leased, broker: Broker) -> Message[Any]:
    """The message, with what Redis says about it in place of what it says about itself.

    Group and id are the key's: Dramatiq's worker thread would die of a queue name that is not its
    own. An `eta` would keep it in this process's memory. Raises `Unrunnable`.
    """
    try:
        is_reference = leased.kind and not leased.body
        fields = _reference(leased) if is_reference else _well_formed(leased.body)
        options = fields["options"]
        options.pop("eta", None)
        options.pop("organization_id", None)
        if leased.organization_id is not None:
            # How old a job may become is for its policy; Dramatiq would drop it unseen.
            options.pop("max_age", None)
            options["organization_id"] = leased.organization_id
        fields["queue_name"], fields["message_id"] = leased.group, leased.message_id
        message: Message[Any] = Message(**fields)
    except Exception as error:
        raise Unrunnable(_poison(leased, "undecodable", None, error)) from error
    try:
        broker.get_actor(message.actor_name)
    except ActorNotFound as error:
        raise Unrunnable(_poison(leased, "unknown_job_type", message, error)) from error
    return message


def rejected(message: GroupMessage) -> Poison:
    """What Dramatiq would put into its dead-letter queue: it failed, and will not be retried."""
    exhausted = message.options.get("retries", 0) > 0
    return Poison(
        organization_id=message.organization_id,
        group=message.group,
        reason="retries_exhausted" if exhausted else "permanent_error",
        message_id=message.message_id,
        raw=message.body,
        message=message._message,
        exception=message.exception,
    )


def bury(poison: Poison, hooks: Iterable[PoisonHook]) -> Disposition:
    """Tell the hooks, then let the message be dropped.

    When a hook fails, the message comes back and the hooks are told again: they must bear repeats.
    """
    logger.error(
        "Message %s of organization %s in %s cannot be run (%s): %s",
        poison.message_id,
        poison.organization_id,
        poison.group,
        poison.reason,
        poison.exception,
    )
    for hook in hooks:
        try:
            hook(poison)
        except Exception:
            logger.critical("The message could not be kept; again in a minute.", exc_info=True)
            return RetryAfter(delay=TRY_HOOKS_AGAIN_AFTER)
    return Ack()


def _reference(leased: Leased) -> dict[str, Any]:
    """The fields of a message that only names a job."""
    return {
        "actor_name": leased.kind,
        "args": (),
        "kwargs": {},
        "options": {},
        "message_timestamp": time.time_ns() // 1_000_000,
    }


_SHAPES = (
    ("queue_name", str),
    ("actor_name", str),
    ("args", list | tuple),
    ("kwargs", dict),
    ("options", dict),
    ("message_id", str),
    ("message_timestamp", int),
)


def _well_formed(body: bytes) -> dict[str, Any]:
    """The fields of a message; refuses what would break Dramatiq's threads later."""
    fields = get_encoder().decode(body)
    for name, shape in _SHAPES:
        if not isinstance(fields[name], shape):
            problem = f"{name} must be {shape}, not {fields[name]!r:.100}"
            raise DecodeError(problem, None, None)
    return fields


def _poison(
    leased: Leased, reason: Any, message: Message[Any] | None, error: BaseException
) -> Poison:
    return Poison(
        organization_id=leased.organization_id,
        group=leased.group,
        reason=reason,
        message_id=leased.message_id,
        raw=leased.body,
        message=message,
        exception=error,
    )

"""Names for the `actor_id`s that records keep, such as `user:7`."""

from collections.abc import Iterable

from tenancy.access import Actor
from tenancy.models import ServiceAccount, User


def names_of(actor_ids: Iterable[str]) -> dict[str, str]:
    """Who they are, in two queries; one that is not known, or not theirs to see, keeps its id."""
    actors = {text: actor for text in set(actor_ids) if (actor := _parse(text))}
    people = {actor.id or 0 for actor in actors.values() if actor.kind in ("user", "operator")}
    services = {actor.id or 0 for actor in actors.values() if actor.kind == "service"}
    person = {one.pk: str(one) for one in User.objects.filter(pk__in=people)}
    service = {one.pk: one.name for one in ServiceAccount.objects.filter(pk__in=services)}
    return {text: _name(actor, person, service) for text, actor in actors.items()}


def _name(actor: Actor, person: dict[int, str], service: dict[int, str]) -> str:
    match actor.kind:
        case "system":
            return "the system"
        case "operator":
            return f"{person.get(actor.id or 0, actor)} (operator)"
        case "service":
            return f"{service.get(actor.id or 0, actor)} (service account)"
    return person.get(actor.id or 0, str(actor))


def _parse(text: str) -> Actor | None:
    try:
        return Actor.parse(text)
    except ValueError:
        return None

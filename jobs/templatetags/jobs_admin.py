"""Tags of this app's admin pages."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs.ledger.states import State

register = template.Library()

COLOURS = {
    State.SUCCEEDED: "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    State.DEAD: "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    State.RETRYING: "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    State.RUNNING: "bg-primary-100 text-primary-700 dark:bg-primary-500/20 dark:text-primary-400",
    State.CANCELLED: "bg-base-100 text-base-700 dark:bg-base-500/20 dark:text-base-200",
}
_LABEL = (
    '<span class="font-semibold h-6 inline-block leading-6 px-2 rounded-default text-[11px] '
    'uppercase whitespace-nowrap {}">{}</span>'
)
WAITING = "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400"


@register.simple_tag
def state_label(state: str) -> SafeString:
    """A job's state as a coloured label, with its word."""
    known = State(state)
    return format_html(_LABEL, COLOURS.get(known, WAITING), known.label)


@register.simple_tag
def queue_label(state: str) -> SafeString:
    """A queue's state as a coloured label, with its word."""
    colours = COLOURS[State.SUCCEEDED] if state == "open" else COLOURS[State.RETRYING]
    return format_html(_LABEL, colours, state)


@register.filter
def in_words(reason: str) -> str:
    """A reason as the pages spell it: `retries_exhausted` is "Retries exhausted"."""
    return reason.replace("_", " ").capitalize()

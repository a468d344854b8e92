"""What every mail ends with: who sent it to whom, the way to the mission, the way out.

Put below what the organization's template made of the event, so that no template can leave it out.
Not kept with the attempt: the link to unsubscribe is a key.
"""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from jobs.families.notifications import unsubscribe
from jobs.families.notifications.models import Delivery
from templates import mail
from templates.mail import Link


@dataclass(frozen=True, kw_only=True)
class Footer:
    """The last lines of one mail."""

    sentence: str
    links: tuple[Link, ...]

    def below_text(self, text: str) -> str:
        """The text, and the lines below the dashes that mail programs know (RFC 3676 §4.3)."""
        links = "".join(f"{link.label}: {link.address}\n" for link in self.links)
        return f"{text.rstrip()}\n\n-- \n{self.sentence}\n{links}"

    def below_html(self, html: str) -> str:
        """The document with the same lines at the foot of its layout."""
        return mail.with_footer(html, self.sentence, self.links)


def footer(delivery: Delivery, recipient: str) -> Footer:
    """Of this delivery's mail; needs its event and organization at hand."""
    return Footer(
        sentence=f"{delivery.organization.name} sent this to {recipient}.",
        links=(
            *_mission(delivery.event.mission_id),
            Link(label="Unsubscribe", address=unsubscribe.url(delivery)),
        ),
    )


def _mission(mission_id: int | None) -> tuple[Link, ...]:
    if mission_id is None:
        return ()
    path = reverse("admin:tenancy_mission_change", args=[mission_id])
    # People on a roster need not have a login.
    label = "Open the mission (if you can sign in)"
    return (Link(label=label, address=f"{settings.PUBLIC_URL}{path}"),)

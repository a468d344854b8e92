"""What the palette (/ or Ctrl K) finds.

Pages and organizations by name, jobs by id, and of the person's own organizations missions and
projects by their words.
"""

import uuid
from dataclasses import dataclass

import structlog
from django.http import HttpRequest
from django.urls import reverse

from jobs.families.search.backends import BackendUnavailable
from jobs.families.search.errors import QueryRefused
from jobs.families.search.find import Hit, search
from jobs.families.search.models import Kind
from jobs.models import Job
from jobsite import navigation
from tenancy.access import Permission
from tenancy.admin.base import visible
from tenancy.admin.rights import rights_of
from tenancy.errors import AccessDenied
from tenancy.models import Mission, Organization
from tenancy.scope import current_scope, scope

log = structlog.get_logger(__name__)

LIMIT = 20
MOST_ORGANIZATIONS = 5
"""Of one person, whose indexes are asked while they type."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the palette; the field names are those that Unfold's template reads."""

    title: str
    description: str
    link: str
    icon: str


def find(request: HttpRequest, term: str) -> list[Result]:
    """At most LIMIT results, all of them the person's own to see."""
    if not term:
        return []
    found = [
        *_pages(request, term),
        *_jobs(request, term),
        *_organizations(request, term),
        *_documents(request, term),
    ]
    return found[:LIMIT]


def _pages(request: HttpRequest, term: str) -> list[Result]:
    return [
        Result(title=item["title"], description="Page", link=item["link"], icon=item["icon"])
        for group in navigation.groups(request)
        for item in group["items"]
        if term.lower() in item["title"].lower()
    ]


def _jobs(request: HttpRequest, term: str) -> list[Result]:
    jobs = visible(request, Job, Permission.JOB_VIEW)
    by_id = jobs.filter(pk=term) if _is_uuid(term) else jobs.none()
    found = [*by_id, *jobs.filter(correlation_id=term).order_by("-pk")[: LIMIT // 2]]
    return [
        Result(
            title=f"{job.job_type} ({job.state})",
            description=f"Job {job.pk}",
            link=reverse("admin:jobs_job_change", args=[job.pk]),
            icon="work",
        )
        for job in found
    ]


def _organizations(request: HttpRequest, term: str) -> list[Result]:
    named = visible(request, Organization, Permission.ORGANIZATION_VIEW)
    named = named.filter(name__istartswith=term).order_by("name")[: LIMIT // 2]
    return [
        Result(
            title=one.name,
            description=f"Organization, {one.get_state_display().lower()}",
            link=reverse("admin:tenancy_organization_change", args=[one.pk]),
            icon="apartment",
        )
        for one in named
    ]


def _documents(request: HttpRequest, term: str) -> list[Result]:
    """Projects, then missions. An operator looks into no organization's index by typing."""
    own = rights_of(request).organizations(Permission.MISSION_VIEW) or frozenset()
    hits = [hit for one in sorted(own)[:MOST_ORGANIZATIONS] for hit in _hits(one, term)]
    hits.sort(key=lambda hit: hit.kind != Kind.PROJECT)
    return [_result(hit) for hit in hits]


def _hits(organization_id: int, term: str) -> list[Hit]:
    with scope(organization_id):
        here = current_scope()
        assert here is not None
        try:
            return search(here, term, limit=LIMIT // 2).hits
        except (QueryRefused, AccessDenied):
            return []
        except BackendUnavailable as error:
            log.warning("palette_without_search", error=str(error))
            return []


def _result(hit: Hit) -> Result:
    one = hit.entity
    if isinstance(one, Mission):
        about = f"Mission {one.reference}, {one.get_state_display().lower()}"
        link = reverse("admin:tenancy_mission_change", args=[one.pk])
        return Result(title=one.title, description=about, link=link, icon="flag")
    about = f"Project {one.code}, {one.get_state_display().lower()}"
    link = reverse("admin:tenancy_project_change", args=[one.pk])
    return Result(title=one.name, description=about, link=link, icon="folder")


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True

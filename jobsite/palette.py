"""What the palette (Ctrl K) finds: pages and organizations by name, jobs by id."""

import uuid
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from jobs.models import Job
from jobsite import navigation
from tenancy.access import Permission
from tenancy.admin.base import visible
from tenancy.models import Organization

LIMIT = 20


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
    found = [*_pages(request, term), *_jobs(request, term), *_organizations(request, term)]
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


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True

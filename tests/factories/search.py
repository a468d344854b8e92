"""Rows of the search index."""

from django.db import transaction

from jobs.families.search.models import (
    GenerationState,
    SearchDocument,
    SearchEntry,
    SearchGeneration,
)
from tenancy.models import Organization
from tenancy.scope import scope


def indexed_document(of: Organization) -> SearchDocument:
    """One document in a live generation, and its entry; about a mission that is not there."""
    key = {"organization": of, "kind": "mission", "entity_id": 0}
    with scope(of), transaction.atomic():
        SearchEntry.objects.create(**key)
        generation = SearchGeneration.objects.create(
            organization=of, backend="postgresql", state=GenerationState.LIVE
        )
        return SearchDocument.objects.create(
            generation=generation, version=1, vector="", digest="", checksum=0, **key
        )

import pytest
from django.db import DatabaseError, transaction

from audit.models import AuditEvent
from templates import versions
from templates.errors import EditConflict, PublishRefused
from templates.models import TemplateVersion
from tenancy.acting import Actor, acting
from tenancy.errors import AccessDenied
from tenancy.models import Organization

EVENT = "mission.created"
MAIL = {"subject": "New: {{ mission.title }}", "text": "Hello", "html": ""}


def saved(organization: Organization, base: int = 0, **sources: str) -> TemplateVersion:
    return versions.save_draft(
        organization.pk, EVENT, "mail", "de", MAIL | sources, base=base, note="first try"
    )


def actions(organization: Organization) -> list[str]:
    events = AuditEvent.objects.filter(organization_id=organization.pk)
    found = events.filter(target_type="notificationtemplate").order_by("id")
    return [str(event.action) for event in found]


def test_each_save_is_a_version_with_author_and_note(at_work: Organization, admin: Actor) -> None:
    first = saved(at_work)
    second = saved(at_work, base=1, text="Hello again")

    assert (first.number, second.number) == (1, 2)
    assert (second.author_id, second.note, second.state) == (str(admin), "first try", "draft")
    assert actions(at_work) == ["template.draft_saved"] * 2


def test_saving_the_same_draft_again_makes_no_version(at_work: Organization) -> None:
    first = saved(at_work)

    assert saved(at_work, base=1) == first


def test_a_second_editor_gets_a_conflict_with_both_texts(at_work: Organization) -> None:
    saved(at_work)
    saved(at_work, base=1, text="theirs")

    with pytest.raises(EditConflict) as conflict:
        saved(at_work, base=1, text="yours")

    assert conflict.value.yours["text"] == "yours"
    assert conflict.value.theirs["text"] == "theirs"
    assert conflict.value.newest == 2


def test_publishing_retires_what_was_published_before(at_work: Organization) -> None:
    first = versions.publish(saved(at_work))
    second = versions.publish(saved(at_work, base=1, text="better"))

    first.refresh_from_db()
    assert (first.state, second.state) == ("retired", "published")
    assert second.published_at is not None
    assert versions.published(at_work, EVENT, "mail", "de-CH") == second
    assert actions(at_work)[-1] == "template.published"


def test_publishing_is_refused_while_there_are_errors(at_work: Organization) -> None:
    version = saved(at_work, text="{{ mission.titel }}")

    with pytest.raises(PublishRefused) as refused:
        versions.publish(version)

    problem = refused.value.problems[0]
    assert (problem.part, problem.line, problem.column) == ("text", 1, 4)
    version.refresh_from_db()
    assert version.state == "draft"


def test_publishing_is_refused_while_a_required_sample_fails(at_work: Organization) -> None:
    # Renders with the sample, and not when the description is missing.
    version = saved(at_work, subject="{{ mission.description }}")

    with pytest.raises(PublishRefused) as refused:
        versions.publish(version)

    assert [problem.case for problem in refused.value.problems] == ["missing"]


def test_restore_makes_a_new_version_of_the_old_text(at_work: Organization) -> None:
    first = saved(at_work)
    saved(at_work, base=1, text="worse")

    restored = versions.restore(first, base=2)

    assert (restored.number, restored.sources) == (3, first.sources)
    assert restored.note == "Restored from version 1"


def test_withdrawing_goes_back_to_the_system_default(at_work: Organization) -> None:
    version = versions.publish(saved(at_work))

    assert versions.withdraw(version.template) == 1
    assert versions.published(at_work, EVENT, "mail", "de") is None
    assert actions(at_work)[-1] == "template.withdrawn"


def test_who_may_not_edit_templates_is_refused(viewer: Actor, at_work: Organization) -> None:
    with acting(viewer, source="admin"), pytest.raises(AccessDenied):
        saved(at_work)


def test_the_database_refuses_to_rewrite_or_delete_a_version(at_work: Organization) -> None:
    version = saved(at_work)
    version.sources = {"subject": "forged"}

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        version.save(update_fields=["sources"])
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        version.delete()


def test_locales_are_tried_from_the_closest_to_the_general() -> None:
    assert versions.preferences("de-CH", "fr") == ["de-CH", "de", "fr", ""]
    assert versions.preferences("", "en") == ["en", ""]


def test_a_template_for_every_language_serves_when_no_other_does(at_work: Organization) -> None:
    general = versions.save_draft(at_work.pk, EVENT, "mail", "", MAIL, base=0)
    versions.publish(general)

    assert versions.published(at_work, EVENT, "mail", "ja") == general
    assert versions.published(at_work, EVENT, "webhook", "ja") is None

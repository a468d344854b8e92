"""Who enters the admin site, and what its first page, menu and palette show."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from tenancy import changes
from tenancy.models import Membership, User
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in
from tests.factories.search import work

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/admin/login/"
TOO_MANY = 10


def sign_in(person: User, password: str = tenancy.PASSWORD) -> bool:
    client = Client()
    client.post(LOGIN, {"username": person.email.upper(), "password": password})
    return client.get("/admin/").status_code == 200


def home(person: User) -> str:
    return signed_in(person).get("/admin/").content.decode()


def search(person: User, term: str) -> str:
    return signed_in(person).get("/admin/search/", {"s": term}).content.decode()


def test_operators_and_members_sign_in_by_mail_address_whatever_its_case() -> None:
    assert sign_in(tenancy.operator())
    assert sign_in(tenancy.member(role="viewer"))
    assert not sign_in(tenancy.member(), password="wrong")


def test_somebody_who_belongs_nowhere_does_not_enter() -> None:
    assert not sign_in(tenancy.person())
    assert not sign_in(tenancy.member(is_active=False))
    assert not sign_in(tenancy.operator(is_active=False))


def test_ten_wrong_passwords_close_the_address_even_for_the_right_one() -> None:
    guessed, other = tenancy.operator(), tenancy.operator()

    for number in range(TOO_MANY):
        sign_in(guessed, password=f"guess {number}")

    assert not sign_in(guessed)
    assert sign_in(other)
    closed = Client().post(LOGIN, {"username": guessed.email, "password": tenancy.PASSWORD})
    assert closed.status_code == 429
    assert "Too many attempts" in closed.content.decode()


def test_every_number_of_the_dashboard_leads_to_a_list_that_opens() -> None:
    own = tenancy.organization()
    jobs.dead_job(own)
    jobs.queued_job(own)
    client = signed_in(tenancy.member(own, role="admin"))

    page = client.get("/admin/").content.decode()

    links = set(re.findall(r'href="(/admin/jobs/[^"]+)"', page.split('id="content"')[1]))
    assert len(links) >= 4
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200, link


def test_a_member_sees_the_numbers_of_the_own_organization_only() -> None:
    own, other = tenancy.organization(), tenancy.organization()
    jobs.dead_job(own)
    for _ in range(7):
        jobs.dead_job(other)

    page = home(tenancy.member(own, role="admin"))

    assert re.search(r"Dead letters</span>\s*<span[^>]*>1<", page)
    assert "Workers" not in page


def test_the_dashboard_says_when_all_is_well() -> None:
    assert "All is well" in home(tenancy.member(role="admin"))


def test_the_menu_shows_what_the_role_may_see() -> None:
    own = tenancy.organization()
    members, workers, people = "/tenancy/membership/", "/jobs/worker/", "/tenancy/user/"

    for role, seen in (("viewer", []), ("admin", [members]), ("owner", [members])):
        page = home(tenancy.member(own, role=role))
        assert [one for one in (members, workers, people) if one in page] == seen, role
    page = home(tenancy.operator())
    assert all(one in page for one in (members, workers, people))


def test_the_palette_finds_a_job_by_its_id_for_those_who_may_see_it() -> None:
    own = tenancy.organization("Palette Works")
    job = jobs.queued_job(own)
    member, stranger = tenancy.member(own, role="viewer"), tenancy.member(role="owner")

    assert reverse("admin:jobs_job_change", args=[job.job_id]) in search(member, str(job.job_id))
    assert "/change/" not in search(stranger, str(job.job_id))
    assert "Palette Works" in search(member, "palette")
    assert "Palette Works" not in search(stranger, "palette")


def test_the_palette_forgets_at_once_what_a_former_member_saw() -> None:
    own = tenancy.organization("Left Behind")
    person = tenancy.member(own, role="viewer")
    tenancy.member(tenancy.organization(), role="viewer", user=person)
    assert "Left Behind" in search(person, "left")

    with jobs.at(own):
        changes.delete(Membership.objects.get(user=person, organization=own))

    assert "Left Behind" not in search(person, "left")


def test_the_palette_finds_missions_and_projects_by_their_words() -> None:
    own = tenancy.organization()
    project = tenancy.project(own, name="Lighthouse works")
    mission = tenancy.mission(project, title="Dredge the <b>lighthouse</b> channel")
    work(own)
    member, stranger = tenancy.member(own, role="viewer"), tenancy.member(role="owner")

    page = search(member, "lighth")

    links = [
        reverse("admin:tenancy_project_change", args=[project.pk]),
        reverse("admin:tenancy_mission_change", args=[mission.pk]),
    ]
    places = [page.find(f'href="{link}"') for link in links]
    assert -1 < places[0] < places[1]
    assert "<b>lighthouse</b>" not in page
    assert mission.reference in page
    for other in (stranger, tenancy.operator()):
        assert "lighthouse" not in search(other, "lighth").lower().replace("lighth<", "")


def test_the_palette_finds_nothing_of_an_organization_that_one_has_left() -> None:
    own, other = tenancy.organization(), tenancy.organization()
    tenancy.mission(tenancy.project(own), title="Weir repair")
    work(own)
    person = tenancy.member(own, role="viewer")
    tenancy.member(other, role="viewer", user=person)
    assert "Weir repair" in search(person, "weir")

    with jobs.at(own):
        changes.delete(Membership.objects.get(user=person, organization=own))

    assert "Weir repair" not in search(person, "weir")


def test_what_cannot_be_looked_for_finds_nothing_in_the_palette() -> None:
    member = tenancy.member(role="viewer")

    for term in ("-only", '"', "*:*", "x" * 5_000):
        assert "Nothing matched" in search(member, term), term


def test_only_operators_see_accounts() -> None:
    person = tenancy.person()
    page = reverse("admin:tenancy_user_change", args=[person.pk])

    assert signed_in(tenancy.operator()).get(page).status_code == 200
    assert signed_in(tenancy.member(role="owner")).get(page).status_code == 404
    assert signed_in(tenancy.member(role="owner")).get("/admin/tenancy/user/").status_code == 403


def test_pages_forbid_scripts_and_frames_of_others() -> None:
    policy = signed_in(tenancy.operator()).get("/admin/")["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert "frame-ancestors 'self'" in policy


def test_a_forgotten_password_is_chosen_anew_from_the_sign_in_page(
    mailoutbox: list[mail.EmailMessage],
) -> None:
    person = tenancy.member(role="viewer")
    client = Client()
    assert reverse("password_forgotten") in client.get(LOGIN).content.decode()

    asked = client.post(reverse("password_forgotten"), {"email": person.email}, follow=True)
    link = re.search(r"/admin/password/choose/\S+", str(mailoutbox[0].body))
    assert link
    form = client.get(link[0], follow=True)
    new = {"new_password1": "a green heron", "new_password2": "a green heron"}
    chosen = client.post(form.request["PATH_INFO"], new, follow=True)

    assert "Look into your mailbox" in asked.content.decode()
    assert person.email in form.content.decode()
    assert "Your password is set" in chosen.content.decode()
    assert sign_in(person, "a green heron")
    used = client.get(link[0], follow=True).content.decode()
    assert "does not work any more" in used

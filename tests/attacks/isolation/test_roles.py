"""What the role of web and workers cannot do, whatever SQL it is brought to run."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction

from tenancy.models import Membership, Organization, Project
from tenancy.rls import tenant_models
from tenancy.scope import engine_scope, operator_scope, scope
from tests import factories
from tests.attacks.isolation.catalog import TENANT_MODELS, ask, label, names

pytestmark = pytest.mark.django_db

ROLES = ("owner", "app", "operator", "engine")


@pytest.fixture(params=["app", "operator", "engine"])
def role(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each role that the application can act under, in force."""
    scopes: dict[str, Any] = {
        "app": lambda: scope(factories.organization()),
        "operator": lambda: operator_scope("an attack"),
        "engine": engine_scope,
    }
    with scopes[request.param]():
        yield request.param


def refused(statement: str) -> str:
    """What PostgreSQL says to it; fails when it does not refuse."""
    with (
        pytest.raises(DatabaseError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    return str(refusal.value)


def test_the_suite_itself_runs_as_app() -> None:
    assert ask("SELECT session_user, current_user") == [("app", "app")]


def test_no_role_is_above_row_security() -> None:
    found = ask(
        """SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolreplication, rolinherit
           FROM pg_roles WHERE rolname = ANY (%s)""",
        [list(ROLES)],
    )

    assert {row[0] for row in found} == set(ROLES)
    assert all(row[1:5] == (False,) * 4 for row in found)


def test_operator_and_engine_cannot_sign_in() -> None:
    found = ask(
        "SELECT rolname FROM pg_roles WHERE NOT rolcanlogin AND rolname = ANY (%s)", [list(ROLES)]
    )
    assert names(found) == {"operator", "engine"}


def test_app_enters_operator_and_engine_and_inherits_neither() -> None:
    found = ask("""
        SELECT roleid::regrole::text, inherit_option, set_option, admin_option
        FROM pg_auth_members WHERE member = 'app'::regrole
    """)
    assert sorted(found) == [("engine", False, True, False), ("operator", False, True, False)]


def test_nobody_else_enters_any_role_of_ours() -> None:
    found = ask(
        """SELECT member::regrole::text FROM pg_auth_members
           WHERE roleid = ANY (%s::regrole[]) AND NOT (
               member = ANY ('{app,owner}'::regrole[]) AND NOT inherit_option)""",
        [list(ROLES)],
    )
    assert found == []


def test_app_owns_nothing() -> None:
    found = ask("""
        SELECT relname FROM pg_class WHERE relowner = 'app'::regrole
        UNION ALL SELECT proname FROM pg_proc WHERE proowner = 'app'::regrole
        UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner = 'app'::regrole
    """)
    assert found == []


@pytest.mark.parametrize(
    "statement",
    [
        "SET LOCAL ROLE owner",
        "SET LOCAL ROLE postgres",
        "SET SESSION AUTHORIZATION owner",
        "ALTER TABLE tenancy_project DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tenancy_project NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY app ON tenancy_project",
        "CREATE POLICY mine ON tenancy_project USING (true)",
        "TRUNCATE tenancy_project CASCADE",
        "DROP TABLE tenancy_assignment",
        "CREATE TABLE mine (id int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW mine AS SELECT 1",
        "ALTER ROLE app BYPASSRLS",
        "GRANT operator TO app WITH INHERIT TRUE",
        "ALTER TABLE audit_auditevent DISABLE TRIGGER audit_no_change",
        "SET LOCAL session_replication_role = 'replica'",
        "SELECT setval('tenancy_project_id_seq', 1)",
        "COPY tenancy_project TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
        "CREATE EXTENSION dblink",
    ],
)
def test_the_fence_cannot_be_taken_down(role: str, statement: str) -> None:
    assert refused(statement)


def test_switching_row_security_off_refuses_instead_of_showing() -> None:
    project = factories.project()

    with scope(project.organization), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL row_security = off")
        assert "row-level security" in refused("SELECT * FROM tenancy_project")
        cursor.execute("SET LOCAL row_security = on")


@pytest.mark.parametrize("organizations", ["x", "1;2", "{1}", "1,,2", "1 OR true", "NULL", "*"])
def test_a_malformed_scope_opens_nothing(organizations: str) -> None:
    factories.project()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.organizations', %s, true)", [organizations])
        assert "invalid input syntax" in refused("SELECT * FROM tenancy_project")
        cursor.execute("SELECT set_config('app.organizations', '', true)")


@pytest.mark.parametrize(
    "model",
    [one for one in tenant_models() if one._meta.app_label in ("tenancy", "templates")],
    ids=label,
)
def test_the_engine_may_do_nothing_to_the_domain(model: type[models.Model]) -> None:
    table = model._meta.db_table
    reads_whether_active = model is Organization

    found = ask(
        """SELECT privilege FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'
           ::text[]) AS privilege WHERE has_table_privilege('engine', %s, privilege)""",
        [table],
    )

    assert names(found) == ({"SELECT"} if reads_whether_active else set())


@pytest.mark.parametrize("model", TENANT_MODELS, ids=label)
def test_no_role_of_the_application_may_more_than_rows(model: type[models.Model]) -> None:
    found = ask(
        """SELECT role, privilege FROM unnest('{app,operator,engine}'::text[]) AS role,
           unnest('{TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}'::text[]) AS privilege
           WHERE has_table_privilege(role, %s, privilege)""",
        [model._meta.db_table],
    )
    assert found == []


def test_nobody_in_general_has_any_right() -> None:
    found = ask("""
        SELECT table_name FROM information_schema.table_privileges
        WHERE grantee = 'PUBLIC' AND table_schema = 'public'
    """)
    assert found == []


def test_functions_that_see_all_are_few_and_look_nowhere_else() -> None:
    """A SECURITY DEFINER function without pg_temp at the end of its path can be fooled."""
    found = ask("""
        SELECT proname, proconfig, has_function_privilege('public', oid, 'EXECUTE'),
               pg_get_userbyid(proowner)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
    """)

    assert "organizations_of" in names(found)
    # They tell nothing, and do what only the owner of a table may: ANALYZE, and writing what waits
    # for its seal and what is sealed, which no role of the application may.
    tells_nothing = {"analyze_timeline", "audit_queue", "audit_seal"}
    for name, config, public, owner in found:
        assert any(one.endswith("pg_temp") for one in config or ()), name
        assert not public, name
        assert owner == ("owner" if name in tells_nothing else "operator"), name


def test_a_temporary_table_does_not_stand_in_for_the_memberships() -> None:
    person, target = factories.person(), factories.organization()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE tenancy_membership AS"
            " SELECT 1 AS id, %s AS organization_id, %s AS user_id, 'owner' AS role",
            [target.pk, person.pk],
        )
        cursor.execute("GRANT SELECT ON pg_temp.tenancy_membership TO operator")
        found = ask("SELECT organization_id FROM organizations_of(%s)", [person.pk])
        transaction.set_rollback(True)

    assert found == []


def test_a_person_learns_their_own_organizations_before_any_scope() -> None:
    first, second = factories.organization(), factories.organization()
    person = factories.member(first)
    factories.member(second, user=person, role="viewer")
    factories.member(second)

    found = ask("SELECT organization_id, role FROM organizations_of(%s)", [person.pk])

    assert sorted(found) == [(first.pk, "editor"), (second.pk, "viewer")]
    with scope([]):
        assert not Membership.objects.exists()
        assert not Project.objects.exists()

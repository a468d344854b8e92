"""Addresses become Django's settings."""

import pytest

from jobsite import addresses
from jobsite.environment import BadVariable

ENGINE = "django.db.backends.postgresql"


def test_a_database_address_is_taken_apart_with_its_options() -> None:
    found = addresses.database("postgresql://app:p%40ss@db:5433/cp?sslmode=require", engine=ENGINE)
    assert (found["USER"], found["PASSWORD"], found["HOST"]) == ("app", "p@ss", "db")
    assert (found["PORT"], found["NAME"]) == ("5433", "cp")
    assert found["OPTIONS"] == {"sslmode": "require"}


def test_a_socket_folder_is_a_host() -> None:
    found = addresses.database("postgresql://app@/cp?host=%2Ftmp%2Fsockets", engine=ENGINE)
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("/tmp/sockets", "", "cp")


def test_a_pool_closes_what_it_lends_and_a_thread_keeps_its_own() -> None:
    pooled = addresses.database("postgresql://app@db/cp", engine=ENGINE, pool_size=10)
    kept = addresses.database("postgresql://app@db/cp", engine=ENGINE)
    assert pooled["CONN_MAX_AGE"] == 0
    assert pooled["OPTIONS"]["pool"]["max_size"] == 10
    assert kept["CONN_MAX_AGE"] is None
    assert "pool" not in kept["OPTIONS"]


def test_an_unknown_option_of_the_database_is_refused_in_one_sentence() -> None:
    with pytest.raises(BadVariable, match="sslmod"):
        addresses.database("postgresql://app@db/cp?sslmod=require", engine=ENGINE)


def test_another_role_does_not_get_the_password_of_the_first() -> None:
    url = addresses.as_role("postgresql://app:secret@db:5433/cp?sslmode=require", "owner")
    assert url == "postgresql://owner@db:5433/cp?sslmode=require"


@pytest.mark.parametrize(
    ("url", "port", "use_tls", "use_ssl"),
    [
        ("smtp://mail", 25, False, False),
        ("smtp+tls://mail", 587, True, False),
        ("smtps://mail", 465, False, True),
        ("smtp+tls://mail:2525", 2525, True, False),
    ],
)
def test_a_mail_address_says_how_tls_begins(
    url: str, port: int, use_tls: bool, use_ssl: bool
) -> None:
    options = addresses.mailer(url)["OPTIONS"]
    assert (options["host"], options["port"]) == ("mail", port)
    assert (options["use_tls"], options["use_ssl"]) == (use_tls, use_ssl)


def test_only_https_makes_the_site_secure() -> None:
    assert addresses.web("https://jobs.example.com").secure
    site = addresses.web("http://localhost:8000")
    assert (site.host, site.origin, site.secure) == ("localhost", "http://localhost:8000", False)


def test_a_database_of_redis_is_named_by_path_and_behind_a_socket_by_query() -> None:
    assert addresses.redis_database("redis://:pw@host:6379/0", 3) == "redis://:pw@host:6379/3"
    assert addresses.redis_database("unix:///tmp/s/redis", 3) == "unix:///tmp/s/redis?db=3"

"""What an address (a URL in a variable) means to Django: a database, a mailer, the public site."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from jobsite.environment import BadVariable
from tenancy.postgresql.pool import forget

MAIL_SCHEMES = ["smtp", "smtp+tls", "smtps", "console", "file"]


@dataclass(frozen=True, kw_only=True)
class Web:
    host: str
    origin: str  # scheme, host and port, as browsers send it in `Origin`
    secure: bool  # https


def web(url: str) -> Web:
    parts = urlsplit(url)
    return Web(
        host=parts.hostname or "localhost",
        origin=f"{parts.scheme}://{parts.netloc}",
        secure=parts.scheme == "https",
    )


def as_role(database_url: str, role: str) -> str:
    """The same database for another role, without the first one's password."""
    parts = urlsplit(database_url)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}@{place}").geturl()


def with_name(database_url: str, name: str) -> str:
    """The same server and role, another database."""
    return urlsplit(database_url)._replace(path=f"/{name}").geturl()


def name_of(database_url: str) -> str:
    return urlsplit(database_url).path.lstrip("/")


def redis_database(url: str, number: int) -> str:
    """The same Redis, another of its numbered databases."""
    if url.startswith("unix://"):  # there the path is the socket
        return f"{url.partition('?')[0]}?db={number}"
    return urlsplit(url)._replace(path=f"/{number}").geturl()


def database(url: str, *, engine: str, pool_size: int | None = None) -> dict[str, Any]:
    """Django's settings of one database.

    With `pool_size` connections come from a pool, which asks for CONN_MAX_AGE=0; without, each
    thread keeps its own for good.
    """
    try:
        known = conninfo_to_dict(url)
    except ProgrammingError as error:
        # libpq quotes what it did not like: the name of an option, or a part of the password.
        why = str(error).strip() if "query parameter" in str(error) else "a % in it reads %25"
        raise BadVariable(
            "DATABASE_URL", "…", f"give postgresql://user:password@host:port/name ({why})"
        ) from None
    options: dict[str, Any] = {
        key: value
        for key, value in known.items()
        if key not in ("user", "password", "host", "port", "dbname")
    }
    if pool_size is not None:
        options["pool"] = {
            "min_size": min(2, pool_size),
            "max_size": pool_size,
            "timeout": 10,
            "reset": forget,
        }
    return {
        "ENGINE": engine,
        "NAME": known.get("dbname", ""),
        "USER": known.get("user", ""),
        "PASSWORD": known.get("password", ""),
        "HOST": known.get("host", ""),
        "PORT": str(known.get("port", "")),
        "CONN_MAX_AGE": None if pool_size is None else 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def mailer(url: str) -> dict[str, Any]:
    """One entry of Django's MAILERS.

    `smtp+tls` starts TLS on a plain connection, `smtps` speaks TLS from the first byte.
    """
    parts = urlsplit(url)
    backends = "django.core.mail.backends"
    if parts.scheme == "console":
        return {"BACKEND": f"{backends}.console.EmailBackend"}
    if parts.scheme == "file":
        return {
            "BACKEND": f"{backends}.filebased.EmailBackend",
            "OPTIONS": {"file_path": unquote(parts.path)},
        }
    ports = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
    return {
        "BACKEND": f"{backends}.smtp.EmailBackend",
        "OPTIONS": {
            "host": parts.hostname or "localhost",
            "port": parts.port or ports[parts.scheme],
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "use_tls": parts.scheme == "smtp+tls",
            "use_ssl": parts.scheme == "smtps",
            "timeout": 15,
        },
    }


def object_store(url: str) -> dict[str, Any]:
    """Where objects lie: a `folder`, or a `bucket` with its prefix, endpoint and region.

    Credentials are not part of it: they come from the usual AWS_* variables. Raises BadVariable.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    path = unquote(parts.path)
    if parts.scheme == "file" and not parts.netloc and path.startswith("/") and not options:
        return {"folder": Path(path)}
    endpoint = options.pop("endpoint", "")
    region = options.pop("region", "us-east-1")
    is_bucket = parts.scheme == "s3" and bool(parts.netloc) and "@" not in parts.netloc
    is_endpoint = not endpoint or urlsplit(endpoint).scheme in ("http", "https")
    if options or not is_bucket or not is_endpoint:
        # The value may hold a password: what is shown is its beginning only.
        raise BadVariable(
            "OBJECT_STORE_URL",
            f"{parts.scheme}://…",
            "give file:///folder or s3://bucket/prefix?endpoint=https://…&region=…, and the "
            "credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    return {
        "bucket": parts.netloc,
        "prefix": path.strip("/"),
        "endpoint": endpoint.rstrip("/"),
        "region": region,
    }

"""Every setting, in the order of docs/operate/settings.md.

What differs between installations comes from environment variables, read by `environment`. With
none set, everything runs on the embedded servers, with its data under `DATA_DIR`.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext

from jobsite import addresses, environment, logs
from jobsite.embedded.places import Places
from jobsite.secret import secret_key

# Lets annotations such as ModelAdmin[Mission] be written where Django's classes refuse them.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# -- Where things are -------------------------------------------------------------------------

DATA_DIR = environment.folder("DATA_DIR", BASE_DIR / "var")
PLACES = Places.of(DATA_DIR)

# -- The web ----------------------------------------------------------------------------------

PORT = environment.integer("PORT", 8000, minimum=1, maximum=65535)
PUBLIC_URL = environment.url(
    "PUBLIC_URL", f"http://localhost:{PORT}", schemes=["http", "https"]
).rstrip("/")
PUBLIC = addresses.web(PUBLIC_URL)
DEBUG = environment.boolean("DEBUG", False)
# The error page of DEBUG shows settings; addresses hold passwords.
DEFAULT_EXCEPTION_REPORTER_FILTER = "jobsite.secret.HiddenAddresses"
SECRET_KEY = environment.text("SECRET_KEY") or secret_key(DATA_DIR)
ALLOWED_HOSTS = environment.words(
    "ALLOWED_HOSTS", [PUBLIC.host, "localhost", "127.0.0.1", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS = [PUBLIC.origin]
BEHIND_PROXY = environment.boolean("BEHIND_PROXY", False)

# Cookies and redirects follow the public address: over https they are secure, and plain http is
# for one's own machine.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PUBLIC.secure and not DEBUG
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC.secure and not DEBUG else 0
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_CSP = {
    "default-src": ["'self'"],
    # Unfold's menus are Alpine, whose build evaluates its attributes; its colours are a <style>.
    # Scripts come from us alone all the same: what somebody slips into a page loads none, is none.
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'self'"],
}

# -- PostgreSQL -------------------------------------------------------------------------------

DATABASE_URL = environment.url(
    "DATABASE_URL", PLACES.database_url("app"), schemes=["postgresql", "postgres"]
)
DATABASE_OWNER_URL = environment.url(
    "DATABASE_OWNER_URL",
    addresses.as_role(DATABASE_URL, "owner"),
    schemes=["postgresql", "postgres"],
)
DATABASE_POOL_SIZE = environment.integer("DATABASE_POOL_SIZE", 10, minimum=1, maximum=500)

# What kind of process reads this. A worker keeps one connection per thread: with the default of
# Django, dramatiq's middleware would make a new one for each job (3.7 ms against 0.5).
PROCESS = environment.choice(
    "PROCESS",
    {"dramatiq": "worker", "gunicorn": "web"}.get(Path(sys.argv[0]).name, "command"),
    among=["web", "worker", "command"],
)
DATABASES: dict[str, dict[str, Any]] = {
    "default": addresses.database(
        DATABASE_URL,
        engine="tenancy.postgresql",
        pool_size=DATABASE_POOL_SIZE if PROCESS == "web" else None,
    )
    | {"TEST": {"MIRROR": "owner"}},
    "owner": addresses.database(DATABASE_OWNER_URL, engine="django.db.backends.postgresql"),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Redis or Valkey --------------------------------------------------------------------------

REDIS_URL = environment.url("REDIS_URL", PLACES.redis_url, schemes=["redis", "rediss", "unix"])

# What a worker says that it runs: a tag or commit that the deployment sets.
VERSION = environment.text("VERSION", "unversioned")

# -- Jobs -------------------------------------------------------------------------------------

JOBS_LEASE_SECONDS = environment.integer("JOBS_LEASE_SECONDS", 30, minimum=2, maximum=3600)
JOBS_HEARTBEAT_SECONDS = environment.integer(
    "JOBS_HEARTBEAT_SECONDS", max(1, JOBS_LEASE_SECONDS // 3), minimum=1, maximum=1800
)
WORKER_GRACE_SECONDS = environment.integer("WORKER_GRACE_SECONDS", 30, minimum=1, maximum=3600)

# Shortens every wait before a retry; for tests and the demo.
JOBS_RETRY_SCALE = environment.decimal("JOBS_RETRY_SCALE", 1.0, minimum=0.0, maximum=1.0)

# How long what has ended stays in the ledger; dead jobs stay until somebody has handled them.
JOBS_KEEP_SUCCEEDED_DAYS = environment.integer(
    "JOBS_KEEP_SUCCEEDED_DAYS", 7, minimum=1, maximum=3650
)
JOBS_KEEP_CANCELLED_DAYS = environment.integer(
    "JOBS_KEEP_CANCELLED_DAYS", 30, minimum=2, maximum=3650
)
JOBS_KEEP_KEYS_DAYS = environment.integer("JOBS_KEEP_KEYS_DAYS", 30, minimum=1, maximum=3650)

DRAMATIQ_BROKER = {
    "BROKER": "jobs.broker.broker.GroupBroker",
    "OPTIONS": {
        "url": REDIS_URL,
        "lease_seconds": JOBS_LEASE_SECONDS,
        "heartbeat_seconds": JOBS_HEARTBEAT_SECONDS,
    },
    "MIDDLEWARE": [
        "dramatiq.middleware.AgeLimit",
        "dramatiq.middleware.TimeLimit",
        "dramatiq.middleware.ShutdownNotifications",
        "dramatiq.middleware.Callbacks",
        "dramatiq.middleware.Pipelines",
        "dramatiq.middleware.Retries",
        "dramatiq.middleware.CurrentMessage",
        "django_dramatiq.middleware.DbConnectionsMiddleware",
    ],
}
DRAMATIQ_AUTODISCOVER_MODULES = ["actors"]
# It would declare the queue `default`, for a table that is not used here.
DRAMATIQ_IGNORED_MODULES = ["django_dramatiq.tasks"]

# -- Mail, webhooks, objects, search ----------------------------------------------------------

# The demo's mail catcher and its page with what arrived, on this machine only.
RECEIVERS_SMTP_PORT = environment.integer("RECEIVERS_SMTP_PORT", 8025, minimum=1, maximum=65535)
RECEIVERS_WEB_PORT = environment.integer("RECEIVERS_WEB_PORT", 8026, minimum=1, maximum=65535)
RECEIVERS_SECRETS_FILE = DATA_DIR / "receiver_secrets.json"
EMAIL_URL = environment.url(
    "EMAIL_URL", f"smtp://127.0.0.1:{RECEIVERS_SMTP_PORT}", schemes=addresses.MAIL_SCHEMES
)
MAILERS = {"default": addresses.mailer(EMAIL_URL)}
DEFAULT_FROM_EMAIL = environment.text("EMAIL_FROM", f"notifications@{PUBLIC.host}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Remote pictures tell their owner who reads a mail; those of other hosts are taken out.
MAIL_IMAGE_HOSTS = environment.words("MAIL_IMAGE_HOSTS", [])
# Webhooks go to public addresses, over https, to port 443. These widen it: for a receiver on one's
# own machine (`make run` does that), or inside one's own network.
WEBHOOK_ALLOW_HTTP = environment.boolean("WEBHOOK_ALLOW_HTTP", False)
WEBHOOK_ALLOWED_HOSTS = environment.words("WEBHOOK_ALLOWED_HOSTS")
WEBHOOK_ALLOWED_PORTS = environment.integers(
    "WEBHOOK_ALLOWED_PORTS", [443], minimum=1, maximum=65535
)
# Keys that encrypt webhook secrets at rest, the newest first; SECRET_KEY where none is given.
SECRETS_KEYS = environment.words("SECRETS_KEYS")
OBJECT_STORE_URL = environment.url(
    "OBJECT_STORE_URL",
    (DATA_DIR / "objects").as_uri(),
    schemes=["file", "s3"],
)
OBJECT_STORE = addresses.object_store(OBJECT_STORE_URL)
IMPORTS_MAX_BYTES = environment.integer("IMPORTS_MAX_BYTES", 1024**3, minimum=1, maximum=1024**4)
IMPORTS_MAX_WAITING = environment.integer("IMPORTS_MAX_WAITING", 3, minimum=1, maximum=1000)
# More bad rows than that are committed only once somebody has said yes to it.
IMPORTS_MAX_BAD_PERCENT = environment.integer("IMPORTS_MAX_BAD_PERCENT", 10, minimum=0, maximum=100)
IMPORTS_MAX_ISSUE_BYTES = environment.integer(
    "IMPORTS_MAX_ISSUE_BYTES", 512 * 1024**2, minimum=1024**2, maximum=1024**4
)
IMPORTS_CHUNK_ROWS = environment.integer("IMPORTS_CHUNK_ROWS", 50_000, minimum=1, maximum=200_000)
IMPORTS_SLICE_SECONDS = environment.integer("IMPORTS_SLICE_SECONDS", 30, minimum=0, maximum=600)
SEARCH_SLICE_SECONDS = environment.integer("SEARCH_SLICE_SECONDS", 30, minimum=0, maximum=600)
SEARCH_CHECK_SECONDS = environment.integer(
    "SEARCH_CHECK_SECONDS", 3_600, minimum=60, maximum=604_800
)
# A snapshot keeps PostgreSQL from removing what died since.
EXPORTS_MAX_SECONDS = environment.integer("EXPORTS_MAX_SECONDS", 600, minimum=1, maximum=86_400)
IMPORTS_KEEP_UPLOADS_DAYS = environment.integer(
    "IMPORTS_KEEP_UPLOADS_DAYS", 30, minimum=1, maximum=3650
)
IMPORTS_KEEP_REPORTS_DAYS = environment.integer(
    "IMPORTS_KEEP_REPORTS_DAYS", 7, minimum=1, maximum=3650
)
SEARCH_URL = environment.text("SEARCH_URL", "postgresql")

# -- The audit log ----------------------------------------------------------------------------

# Signs the heads of the log; never in the database. Whoever holds it can rewrite what nobody else
# remembers.
AUDIT_KEY_FILE = environment.folder("AUDIT_KEY_FILE", DATA_DIR / "audit_key.pem")
AUDIT_LOG_NAME = environment.text("AUDIT_LOG_NAME", f"{PUBLIC.host}/audit")

# -- Alerts -----------------------------------------------------------------------------------

ALERT_MAIL_TO = environment.words("ALERT_MAIL_TO")
ALERT_WEBHOOK_URL = environment.url("ALERT_WEBHOOK_URL", "", schemes=["https", "http"])
# Signs them as those of organizations are: `whsec_` and base64 of 24 to 64 bytes.
ALERT_WEBHOOK_SECRET = environment.text("ALERT_WEBHOOK_SECRET")
# How old the oldest waiting job of a queue group may get. Bulk work may stand for longer.
ALERT_OLDEST_SECONDS = environment.seconds_by_name(
    "ALERT_OLDEST_SECONDS",
    {"notifications": 600, "indexing": 900, "backfill": 3600, "audit": 3600},
)
MINUTE_COUNTS_HOURS = environment.integer("MINUTE_COUNTS_HOURS", 48, minimum=1, maximum=2160)

# -- Logs and metrics -------------------------------------------------------------------------

LOG_FORMAT = environment.choice(
    "LOG_FORMAT", "console" if sys.stderr.isatty() else "json", among=["json", "console"]
)
LOG_LEVEL = environment.choice("LOG_LEVEL", "info", among=["debug", "info", "warning", "error"])
LOGGING = logs.configuration(format_name=LOG_FORMAT, level=LOG_LEVEL)
# ApiMiddleware has put it into the request; a stranger's is taken by the API only, if it is sound.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_CORRELATION_ID = True
# Set by whoever starts the processes; prometheus_client reads it when it is imported.
if METRICS_DIR := environment.text("PROMETHEUS_MULTIPROC_DIR"):
    Path(METRICS_DIR).mkdir(parents=True, exist_ok=True)

# -- What no variable changes -----------------------------------------------------------------

# Counting comes first: nobody's bytes are taken before it is known who sends them.
FILE_UPLOAD_HANDLERS = [
    "tenancy.uploads.CountedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the other one puts its own site in place of ours
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "jobsite.apps.AdminConfig",
    "axes",
    "django_dramatiq",
    "django_prometheus",
    "django_structlog",
    "ninja",
    "tenancy",
    "audit",
    "templates",
    "jobs",
    "jobsite",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "jobsite.problems.ApiMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "jobsite.middleware.ScopeMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "jobsite.urls"
WSGI_APPLICATION = "jobsite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "jobsite" / "templates"],  # before Unfold's
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_USER_MODEL = "tenancy.User"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "admin:login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # refuses before a password is looked at
    "django.contrib.auth.backends.ModelBackend",
]
# Ten wrong passwords for one mail address from one place close it there for a quarter of an hour.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "jobsite.site.typed_address"
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "admin/locked_out.html"
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = ["jobsite.formats"]
# Django exports it as TZ; its own default would stamp every log line with Chicago's time.
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
# The web process serves what the packages bring; there is no collectstatic step to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

UNFOLD = {
    "SITE_TITLE": "Control plane",
    "SITE_HEADER": "Control plane",
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "jobsite.navigation.icon"}],
    "STYLES": ["jobsite.navigation.stylesheet"],
    "SCRIPTS": ["jobsite.navigation.script"],
    "SHOW_HISTORY": True,
    "SHOW_BACK_BUTTON": True,
    "SIDEBAR": {"navigation": "jobsite.navigation.groups"},
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.604)",
            "100": "oklch(93.2% .032 255.585)",
            "200": "oklch(88.2% .059 254.128)",
            "300": "oklch(80.9% .105 251.813)",
            "400": "oklch(70.7% .165 254.624)",
            "500": "oklch(62.3% .214 259.815)",
            "600": "oklch(54.6% .245 262.881)",
            "700": "oklch(48.8% .243 264.376)",
            "800": "oklch(42.4% .199 265.638)",
            "900": "oklch(37.9% .146 265.522)",
            "950": "oklch(28.2% .091 267.935)",
        },
    },
}

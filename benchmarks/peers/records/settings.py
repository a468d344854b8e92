"""As small as Django's settings get, so that nothing slows it down."""

import os

from psycopg.conninfo import conninfo_to_dict

_where = conninfo_to_dict(os.environ["RECORDS_URL"])
SECRET_KEY = "of a benchmark"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = ["django_dramatiq", "benchmarks.peers.records"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _where["dbname"],
        "USER": _where["user"],
        "HOST": _where["host"],
        "CONN_MAX_AGE": None if os.environ.get("KEEP_CONNECTIONS") else 0,
    }
}
DRAMATIQ_BROKER = {
    "BROKER": "dramatiq.brokers.redis.RedisBroker",
    "OPTIONS": {"url": os.environ["REDIS_URL"]},
    "MIDDLEWARE": [
        "dramatiq.middleware.AgeLimit",
        "dramatiq.middleware.TimeLimit",
        "dramatiq.middleware.Callbacks",
        "dramatiq.middleware.Retries",
        "django_dramatiq.middleware.DbConnectionsMiddleware",
        "django_dramatiq.middleware.AdminMiddleware",
    ],
}
DRAMATIQ_IGNORED_MODULES = ["django_dramatiq.tasks"]
DRAMATIQ_AUTODISCOVER_MODULES = ["actors"]
LOGGING = {"version": 1, "root": {"level": "WARNING"}}

"""As small as Django's settings get, so that nothing slows it down."""

import os

from psycopg.conninfo import conninfo_to_dict

_where = conninfo_to_dict(os.environ["IMPORT_EXPORT_URL"])
SECRET_KEY = "of a benchmark"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = ["import_export", "benchmarks.peers.importing"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _where["dbname"],
        "USER": _where["user"],
        "HOST": _where["host"],
    }
}
LOGGING = {"version": 1, "root": {"level": "WARNING"}}

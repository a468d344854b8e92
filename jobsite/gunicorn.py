"""Settings of gunicorn, the server of the web process: `gunicorn -c python:jobsite.gunicorn`."""

from typing import Any

from jobsite import environment

wsgi_app = "jobsite.wsgi:application"
bind = [
    f"{environment.text('BIND', '127.0.0.1')}:"
    f"{environment.integer('PORT', 8000, minimum=1, maximum=65535)}"
]
worker_class = "gthread"
workers = environment.integer("WEB_PROCESSES", 2, minimum=1, maximum=64)
threads = environment.integer("WEB_THREADS", 8, minimum=1, maximum=256)
preload_app = True  # imported once; connections are made after the fork
timeout = 60
graceful_timeout = 8
keepalive = 5
control_socket_disable = True
accesslog = None  # django-structlog writes a line for each request
metrics = environment.text("PROMETHEUS_MULTIPROC_DIR")


def child_exit(server: Any, worker: Any) -> None:
    """Take the gauges of a worker that ended out of /metrics."""
    if metrics:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

"""Log lines of every process, by structlog: JSON for machines, colours for people.

Django's and dramatiq's records pass through the same processors, so that each line carries what
is bound in the context: during a job its organization_id, project_id, correlation_id, job_type,
attempt and actor_id.
"""

import re
from typing import Any

import structlog
from structlog.types import EventDict, Processor

TOKENS = re.compile(
    r"(?<=/admin/password/choose/)[^/\s]+/[^/\s]+"
    r"|(?<=/u/)[A-Za-z0-9_-]{12}\b"
    r"|(?<=/invitations/)[0-9]+/[0-9a-f]{64}\b"
)
"""The parts of our addresses that let in whoever knows them."""


def without_tokens(_: Any, __: str, line: EventDict) -> EventDict:
    """Take the tokens out of the addresses in a line."""
    for name in ("event", "request"):
        if isinstance(line.get(name), str):
            line[name] = TOKENS.sub("…", line[name])
    return line


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.UnicodeDecoder(),
    without_tokens,
]


def configuration(*, format_name: str, level: str) -> dict[str, Any]:
    """Configure structlog, and answer Django's LOGGING. `format_name` is `json` or `console`."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    final: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if format_name == "json"
        else [structlog.dev.ConsoleRenderer()]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *final,
                ],
                "foreign_pre_chain": SHARED,
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            # Django's own handler would print its records a second time.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            # Not each sign-in: the failed ones that closed an address are warnings.
            "axes": {"level": "WARNING"},
        },
    }

"""Schemathesis drives every operation of the served document, with all of its checks.

It makes requests up from the document alone, valid and invalid ones, single and in sequences, and
sends them to a real server with the token of an owner. Whatever it does, no answer is a 5xx, none
is undocumented, what fits the schema is accepted or breaks a rule, what does not fit is refused.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from pytest_django.live_server_helper import LiveServer

from tests.factories import exports, imports, jobs, notifications, tenancy
from tests.factories.api import Caller

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
EXAMPLES = 5
URL = "https://receiver.example.org/hook"


def test_every_operation_does_what_the_document_says(
    live_server: LiveServer, mallory: Caller, redis_url: str, tmp_path: Path
) -> None:
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(_configuration(mallory, _known(mallory)))

    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(configuration)),
            *("run", f"{live_server.url}/api/v1/openapi.json"),
            *("--checks", "all", "--continue-on-failure", "--no-color"),
            *("--seed", "1"),  # the same requests each time, so that a failure is not chance
        ],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def _known(caller: Caller) -> dict[str, object]:
    """What exists, so that requests get past the first 404."""
    mission = tenancy.mission(tenancy.project(caller.organization))
    return {
        "project_id": mission.project_id,
        "mission_id": mission.pk,
        "entry_id": tenancy.timeline_entry(mission).pk,
        "assignment_id": tenancy.assignment(mission).pk,
        "collaborator_id": tenancy.collaborator(caller.organization).pk,
        "delivery_id": str(notifications.delivery(caller.organization).pk),
        "endpoint_id": notifications.endpoint(caller.organization).pk,
        "import_id": str(imports.import_row(caller.organization).pk),
        "job_id": str(jobs.dead_job(caller.organization).job_id),
        "export_id": str(exports.export(caller.organization).pk),
    }


def _configuration(caller: Caller, known: dict[str, object]) -> str:
    text = f"""
[auth.openapi.ServiceToken]
bearer = {json.dumps(caller.token)}

[generation]
max-examples = {EXAMPLES}
database = "none"

[phases.coverage]
unexpected-methods = ["PUT"]

# A request that fits the schema may still break a rule, such as a reference to nothing, or bring a
# cursor of an index that is gone; the check in schemathesis_hooks.py holds these answers to it.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "410", "422"]

[dictionaries]
organization = {{ values = [{caller.organization.pk}] }}
"""
    for name, key in known.items():
        text += f"{name} = {{ values = [{json.dumps(key)}] }}\n"
    text += f'url = {{ values = ["{URL}"] }}\n[parameters]\n'
    text += '"path.organization_id" = { dictionary = "organization", probability = 1.0 }\n'
    for name in known:
        text += f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}\n'
    for name in ("project_id", "collaborator_id", "url"):
        text += f'"body.{name}" = {{ dictionary = "{name}", probability = 0.8 }}\n'
    return text

"""The HTTP API, put together: the routers of the apps, behind one door, described by one document.

/api/v1/openapi.json, /api/v1/docs                      for everybody
/api/v1/organizations/{organization_id}/…               with a token of that organization
"""

import json
from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.openapi.schema import REF_TEMPLATE, OpenAPISchema
from ninja.operation import Operation
from ninja.parser import Parser

from audit.api import router as audit
from jobs.api.deliveries import router as deliveries
from jobs.api.endpoints import router as endpoints
from jobs.api.exports import router as exports
from jobs.api.imports import router as imports
from jobs.api.jobs import router as jobs
from jobs.api.search import router as search
from jobs.api.unsubscribe import router as unsubscribe
from jobsite import problems
from jobsite.door import entered
from tenancy.api.assignments import router as assignments
from tenancy.api.collaborators import router as collaborators
from tenancy.api.missions import router as missions
from tenancy.api.problems import MEDIA_TYPE, ProblemDetails
from tenancy.api.projects import router as projects
from tenancy.api.timeline import router as timeline

PREFIX = "/organizations/{organization_id}"
ROUTERS = {
    "/projects": projects,
    "/missions": missions,
    "/missions/{mission_id}/timeline": timeline,
    "/missions/{mission_id}/assignments": assignments,
    "/collaborators": collaborators,
    "/endpoints": endpoints,
    "/deliveries": deliveries,
    "/exports": exports,
    "/imports": imports,
    "/search": search,
    "/u": unsubscribe,
    "/jobs": jobs,
    "/audit-events": audit,
}

ALWAYS = {
    400: "The request could not be read.",
    401: "No token.",
    403: "The account lacks the permission, or the organization is suspended.",
    404: "Not there, or not yours.",
    413: "The request body is too large.",
    422: "The request does not fit its schema, or breaks a rule; all fields are listed.",
    500: "Something is broken here.",
    503: "The database cannot answer now.",
}
WITH_BODY = {
    409: "Taken already, or not in the state for it.",
    411: "The body was sent in chunks.",
    415: "Not application/json.",
}

GONE = {410: "The search index was built anew; start without the cursor."}


class StrictParser(Parser):
    """JSON as RFC 8259 has it: without NaN and Infinity."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Raises ValueError, which becomes a 400."""
        body: dict[str, Any] = json.loads(request.body, parse_constant=_refuse)
        return body


class Api(NinjaAPI):
    """Ninja's, with the problems that every route may answer written into its document."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The function's name: what generated clients call their method."""
        return operation.view_func.__name__

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        """The OpenAPI document."""
        document = super().get_openapi_schema(**kwargs)
        schema = ProblemDetails.model_json_schema(ref_template=REF_TEMPLATE, mode="serialization")
        document["components"]["schemas"] |= schema.pop("$defs") | {"Problem": schema}
        for operations in document["paths"].values():
            for method, details in operations.items():
                _describe(method, details)
        return document


def _describe(method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    correlation = {"X-Correlation-ID": {"schema": {"type": "string"}, "required": True}}
    for status, response in responses.items():
        response["headers"] = dict(correlation)
        if status in (201, 202, 307):
            location = {"schema": {"type": "string", "format": "uri-reference"}, "required": True}
            response["headers"]["Location"] = location
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    described = ALWAYS | (WITH_BODY if "requestBody" in operation else {})
    if method == "post" or responses.keys() & {202, 204, 307, 409}:
        described[409] = WITH_BODY[409]
    described |= {status: text for status, text in GONE.items() if status in responses}
    for status, description in sorted(described.items()):
        responses[status] = {
            "description": description,
            "content": content,
            "headers": dict(correlation),
        }


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


api = Api(
    title="Control plane",
    version="1",
    description="Every address but this document's lies below one organization, and takes a token "
    "of a service account of that organization.",
    parser=StrictParser(),
    urls_namespace="api",
)
api.add_decorator(entered, mode="view")
problems.connect(api)
for address, router in ROUTERS.items():
    api.add_router(PREFIX + address, router)

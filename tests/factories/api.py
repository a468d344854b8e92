"""Callers of the API: a client of Django's with the token of a service account."""

from dataclasses import dataclass
from typing import Any

from django.test import Client

from tenancy.models import Organization, ServiceAccount
from tests.factories import tenancy


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Requests below one organization's address, with one token; `path` begins with a slash."""

    organization: Organization
    account: ServiceAccount
    token: str

    @classmethod
    def of(cls, organization: Organization | None = None, *, role: str = "editor") -> "Caller":
        """An account of the organization, by default of a new one."""
        organization = organization or tenancy.organization()
        account = tenancy.service_account(organization, role)
        return cls(
            organization=organization,
            account=account,
            token=account.token,  # type: ignore[attr-defined]
        )

    def get(self, path: str, **headers: str) -> Any:
        return self._client(headers).get(self.address(path))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._client(headers).post(self.address(path), body, content_type="application/json")

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self._client(headers).patch(
            self.address(path), body, content_type="application/json"
        )

    def delete(self, path: str, **headers: str) -> Any:
        return self._client(headers).delete(self.address(path))

    def address(self, path: str) -> str:
        return f"/api/v1/organizations/{self.organization.pk}{path}"

    def _client(self, headers: dict[str, str]) -> Client:
        given = {"Authorization": f"Bearer {self.token}"} | headers
        return Client(headers={name: value for name, value in given.items() if value})

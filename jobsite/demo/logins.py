"""Who can sign in to the demo. All share one password: it is data to play with, on one machine."""

from dataclasses import dataclass

PASSWORD = "demo"


@dataclass(frozen=True, kw_only=True)
class Organization:
    name: str
    slug: str


@dataclass(frozen=True, kw_only=True)
class Login:
    email: str
    name: str
    role: str  # "operator", or a role of the membership: owner, admin, editor, viewer
    organization: Organization | None  # None: the operator, who belongs to none


NORTH = Organization(name="Northern Relief", slug="northern-relief")
HARBOR = Organization(name="Harbor Logistics", slug="harbor-logistics")

LOGINS = [
    Login(email="operator@example.com", name="Olga Operator", role="operator", organization=None),
    Login(email="admin@north.example", name="Nora Admin", role="admin", organization=NORTH),
    Login(email="editor@north.example", name="Niels Editor", role="editor", organization=NORTH),
    Login(email="viewer@north.example", name="Nina Viewer", role="viewer", organization=NORTH),
    Login(email="admin@harbor.example", name="Hana Admin", role="admin", organization=HARBOR),
    Login(email="editor@harbor.example", name="Hugo Editor", role="editor", organization=HARBOR),
    Login(email="viewer@harbor.example", name="Hilda Viewer", role="viewer", organization=HARBOR),
]

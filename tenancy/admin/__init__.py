"""The admin pages of this app, and in `base` what every app's pages are made of."""

from tenancy.admin import invitations, organizations, people, work

__all__ = ["invitations", "organizations", "people", "work"]

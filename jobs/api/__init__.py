"""The routes of background work, under /api/v1/organizations/{organization_id}/.

One file per resource; what they share is in `tenancy.api`, and they are mounted by `jobsite.api`.
"""

"""The routes of the domain, under /api/v1/organizations/{organization_id}/.

One file per resource. What they share is beside them: `permission` (what a route demands), `fields`
(types of bodies), `pages` (lists and cursors), `problems` (errors). The door that every request
comes through, and the mounting, are in `jobsite.api`.
"""

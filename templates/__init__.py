"""Notification templates: what an organization says, and how, when something happens.

Authoritative are immutable versions of sources in PostgreSQL; an organization without a template of
its own gets the system default of `catalogue`. Sources are written by org admins and trusted with
nothing: they are parsed and rendered in helper processes (`limits`) that can be killed, in a small
dialect of Liquid (`language`) that sees plain values only, and what comes out is cleaned (`mail`,
`document`) before anybody receives it.

Nothing in this file imports Django: the helper processes load the package without it.
"""

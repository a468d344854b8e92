"""Webhooks: where one may go (`address`), how it is signed (`sign`), how it is sent (`send`).

Nothing here knows the ledger, a model or a template. `send` takes a URL and bytes, asks `address`
again on every attempt, and connects to the address that was checked, never to the name.
"""

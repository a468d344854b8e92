"""What /readyz says, for the one who waits for it."""

import json
import urllib.error
import urllib.request


def complaint(address: str) -> str:
    """The parts that are not up, with their reasons; empty when all are."""
    try:
        with urllib.request.urlopen(address, timeout=10):  # noqa: S310 - http, and ours
            return ""
    except urllib.error.HTTPError as error:
        return _parts(error.read()) or f"web answers {error.code}"
    except OSError as error:
        return f"web ({error})"


def _parts(body: bytes) -> str:
    try:
        parts = json.loads(body)["parts"]
    except (ValueError, KeyError):
        return ""
    down = {name: part for name, part in parts.items() if part["status"] != "up"}
    return ", ".join(f"{name} ({part.get('why', part['status'])})" for name, part in down.items())

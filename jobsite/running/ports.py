"""Ports on this machine: the one that was asked for, or the next free one."""

import os
import socket


class PortTaken(Exception):
    """Someone else listens on the port that was asked for by name."""


def free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, so that a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose(name: str, wanted: int, taken: set[int]) -> int:
    """`wanted` where it is free; else the next free one, unless the variable `name` asks for it."""
    if wanted not in taken and free(wanted):
        return wanted
    if os.environ.get(name):
        raise PortTaken(
            f"Port {wanted} is taken: stop what listens there, or choose another with {name}=…"
        )
    for port in range(wanted + 1, min(wanted + 1000, 65536)):
        if port not in taken and free(port):
            return port
    raise PortTaken(f"No port from {wanted} on is free: choose one with {name}=…")

"""`supervisord`: its configuration, and what it says about the programs."""

import os
import signal
import subprocess
import sys
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from jobsite.embedded.process import check_socket_path, ends_with_starter
from jobsite.running.programs import Program

HEAD = """\
[supervisord]
nodaemon = true
silent = true
{user}
logfile = {logs}/supervisor.log
logfile_maxbytes = 1MB
pidfile = {run}/supervisor.pid
directory = {directory}

[unix_http_server]
file = {socket}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://{socket}
"""

# SIGTERM goes to the one process; only what is still there after its grace is killed as a group.
# A program that ends at once is tried again after 1, 2, 3 … seconds.
PROGRAM = """
[program:{name}]
command = {command}
autorestart = true
startsecs = 1
startretries = 1000
stopsignal = TERM
stopwaitsecs = {grace_seconds}
stopasgroup = false
killasgroup = true
redirect_stderr = true
stdout_logfile = {logs}/{name}.log
stdout_logfile_maxbytes = 5MB
stdout_logfile_backups = 1
"""

# Groups are stopped one after the other, highest priority first; the programs of one together.
GROUP = """
[group:{name}]
programs = {programs}
priority = {priority}
"""


@dataclass(frozen=True, kw_only=True)
class Supervisor:
    process: subprocess.Popen[bytes]
    socket: Path

    def states(self) -> dict[str, str]:
        """State by program; empty while the supervisor itself is not up."""
        proxy = xmlrpc.client.ServerProxy(
            "http://127.0.0.1", SupervisorTransport(None, None, f"unix://{self.socket}")
        )
        try:
            found = cast(Any, proxy.supervisor.getAllProcessInfo())
        except (OSError, xmlrpc.client.Error):
            return {}
        return {each["name"]: each["statename"] for each in found}

    def stop(self) -> None:
        """Stop all programs, each with its grace."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def start(
    programs: Sequence[Program], *, run: Path, logs: Path, socket: Path, directory: Path
) -> Supervisor:
    """Start the supervisor in a session of its own, out of reach of Ctrl-C. Main thread only."""
    check_socket_path(socket)
    configuration = run / "supervisor.conf"
    # Asked of root only: its warning says that root should say so.
    user = "user = root" if os.geteuid() == 0 else ""
    head = HEAD.format(user=user, logs=logs, run=run, directory=directory, socket=socket)
    sections = [
        PROGRAM.format(
            name=program.name,
            command=" ".join(map(quoted, tethered(program.command))),
            grace_seconds=program.grace_seconds,
            logs=logs,
        )
        for program in programs
    ]
    sections += [
        GROUP.format(name=name, priority=priority, programs=",".join(members))
        for name, priority, members in (
            ("product", 2, [one.name for one in programs if not one.outlasts]),
            ("outside", 1, [one.name for one in programs if one.outlasts]),
        )
        if members
    ]
    configuration.write_text(head.replace("%", "%%") + "".join(sections))
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", configuration],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=ends_with_starter(signal.SIGTERM),
    )
    return Supervisor(process=process, socket=socket)


def tethered(command: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "jobsite.running.tether", *command]


def quoted(word: str) -> str:
    """A word of a command line, as the supervisor splits it."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'

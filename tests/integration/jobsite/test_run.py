"""`make run`: everything starts, and everything ends, however it is ended."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil
import pytest

from jobsite.embedded import postgres, valkey
from jobsite.embedded.places import Places
from tests.integration.jobsite.conftest import own_folder

ROOT = Path(__file__).resolve().parents[3]
LAST_LINE = "Ctrl-C stops all of it; data stay."


class Product:
    """One `make run` in a folder of its own, with its demo data taken for made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        (folder / "demo.seeded").touch()
        names = ("PORT", "RECEIVERS_SMTP_PORT", "RECEIVERS_WEB_PORT")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.process: subprocess.Popen[str] | None = None

    def launch(self, **variables: str) -> subprocess.Popen[str]:
        ours = {"DATABASE_URL": "", "DATABASE_OWNER_URL": "", "REDIS_URL": ""}
        ours |= {"DATA_DIR": str(self.folder)} | {k: str(v) for k, v in self.ports.items()}
        return subprocess.Popen(
            [sys.executable, "-m", "jobsite.run"],
            cwd=ROOT,
            env=os.environ | ours | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start(self, **variables: str) -> str:
        """Until the table is printed; gives all that was printed."""
        self.process = self.launch(**variables)
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if line.strip() == LAST_LINE:
                return said
        pytest.fail(f"It ended before it was up:\n{said}")

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def signal(self, number: signal.Signals) -> tuple[int, str]:
        """Send it, and wait for the end; gives the exit status and what was still printed."""
        assert self.process is not None
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=120)
        return self.process.returncode, rest

    def end(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.signal(signal.SIGTERM)
        # Killed, it could not; its next start would take them over.
        shutil.rmtree(Places.of(self.folder).sockets, ignore_errors=True)


@pytest.fixture
def product() -> Iterator[Product]:
    with own_folder() as folder:
        product = Product(folder / "var")
        yield product
        product.end()


@pytest.fixture(scope="module")
def running() -> Iterator[Product]:
    """One that is up, for tests that leave it so: a start takes ten seconds."""
    with own_folder() as folder:
        product = Product(folder / "var")
        product.start()
        yield product
        product.end()


def test_sigterm_stops_every_process_and_the_data_start_again(product: Product) -> None:
    said = product.start()
    family = product.family()
    assert urllib.request.urlopen(web(product), timeout=10).status == 200
    assert f"localhost:{product.ports['PORT']}/admin/" in said
    assert "operator@example.com" in said

    code, rest = product.signal(signal.SIGTERM)

    assert code == 0
    assert rest.endswith("Stopped.\n")
    assert not Places.of(product.folder).sockets.exists()
    assert [each for each in family if each.is_running()] == []
    assert "Demo data" not in product.start()


def test_kill_9_leaves_no_process_behind(product: Product) -> None:
    product.start()
    family = product.family()
    assert {"postgres", "valkey-server"} <= {each.name() for each in family}

    product.signal(signal.SIGKILL)

    _, alive = psutil.wait_procs(family[1:], timeout=60)
    assert alive == []


def test_a_worker_line_whose_master_is_killed_starts_anew_and_leaves_no_orphan(
    running: Product,
) -> None:
    # The master and its workers look alike: it is the supervisor's child.
    family = running.family()
    supervisor = next(each for each in family if "supervisor.supervisord" in each.cmdline())
    master = next(each for each in supervisor.children() if "--queues" in each.cmdline())
    workers = master.children(recursive=True)
    assert workers

    master.kill()

    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
    wait_for_new_master(running, master.pid)


def test_servers_of_ones_own_are_used_and_left_running(product: Product, places: Places) -> None:
    own = [postgres.start(places), valkey.start(places, persistent=False)]

    said = product.start(
        DATABASE_URL=places.database_url("app"),
        DATABASE_OWNER_URL=places.database_url("owner"),
        REDIS_URL=places.redis_url,
    )
    names = {each.name() for each in product.family()}
    code, _ = product.signal(signal.SIGTERM)

    assert "PostgreSQL" not in said
    assert not names & {"postgres", "valkey-server"}
    assert code == 0
    assert [server.process.poll() for server in own] == [None, None]
    for server in own:
        server.stop()


def test_a_second_one_on_the_same_data_is_refused_in_one_sentence(running: Product) -> None:
    said, _ = running.launch(PORT="", RECEIVERS_SMTP_PORT="", RECEIVERS_WEB_PORT="").communicate()
    assert said.startswith(f"It is running already, with the data in {running.folder}")
    assert said.count("\n") == 1
    assert (running.folder / "run" / "supervisor.conf").exists()


def test_a_taken_port_that_was_asked_for_is_said_in_one_sentence(product: Product) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said, _ = product.launch(PORT=str(port)).communicate()
    assert said == (
        f"Port {port} is taken: stop what listens there, or choose another with PORT=…\n"
    )


def test_a_data_folder_that_cannot_be_made_is_said_in_one_sentence(product: Product) -> None:
    said, _ = product.launch(DATA_DIR="/dev/null/var").communicate()
    assert said.startswith("DATA_DIR='/dev/null/var' cannot be used: not a directory; ")
    assert said.count("\n") == 1


def test_a_variable_that_cannot_be_used_is_said_in_one_sentence(product: Product) -> None:
    said, _ = product.launch(PORT="eighty").communicate()
    assert said == "PORT='eighty' cannot be used: give a whole number from 1 to 65535.\n"


def test_a_database_that_cannot_be_reached_is_said_in_one_sentence(product: Product) -> None:
    said, _ = product.launch(DATABASE_URL="postgresql://app@127.0.0.1:1/none").communicate()
    assert said.startswith("PostgreSQL cannot be reached: ")


def web(product: Product) -> str:
    return f"http://127.0.0.1:{product.ports['PORT']}/admin/login/"


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return numbers


def wait_for_new_master(product: Product, old: int) -> None:
    """The supervisor's log says when the line runs again."""
    log = product.folder / "logs" / "supervisor.log"
    follow = ["timeout", "60", "tail", "--lines=+1", "--follow", str(log)]
    with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        spawned = list(islice((line for line in tail.stdout if "spawned: 'workers'" in line), 2))
        tail.terminate()
    assert len(spawned) == 2, "The line was not started again within a minute."
    assert spawned[0].strip().endswith(f"pid {old}")

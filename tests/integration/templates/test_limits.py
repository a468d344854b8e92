import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from templates import catalogue
from templates.errors import BudgetExceeded, HelperUnavailable, RenderingFailed
from templates.limits import Budget, Pool
from tests.waiting import eventually

EVENT = catalogue.event_type("mission.created")
FAST = Budget(cpu_seconds=0.5, wall_seconds=10)
ROOT = Path(__file__).resolve().parents[3]
BUSY = "{% for i in (1..9999) %}{% assign x = i | times: 3 | append: 'x' | upcase %}{% endfor %}"


def request(text: str = "Hello") -> dict[str, Any]:
    sources = {"subject": "s", "text": text, "html": ""}
    data = EVENT.sample("mail")
    return {"op": "render", "channel": "mail", "sources": sources, "data": data, "options": {}}


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(size=2, budget=FAST)
    yield pool
    pool.close()


def test_nothing_is_started_before_the_first_request(pool: Pool) -> None:
    assert pool.pids() == []

    assert pool.ask(request())["text"] == "Hello\n"

    assert len(pool.pids()) == 1


def test_a_helper_serves_one_request_after_the_other(pool: Pool) -> None:
    for number in range(20):
        assert pool.ask(request(f"{number}"))["text"] == f"{number}\n"

    assert len(pool.pids()) == 1


def test_processor_time_is_limited_per_request() -> None:
    pool = Pool(size=1, budget=Budget(cpu_seconds=0.02))
    try:
        with pytest.raises(BudgetExceeded, match="processor time"):
            pool.ask(request(BUSY))
        assert pool.ask(request())["text"] == "Hello\n"
    finally:
        pool.close()


def test_memory_is_limited(pool: Pool) -> None:
    hungry = "{% for i in (1..200000000) reversed %}{% endfor %}"

    with pytest.raises(BudgetExceeded):
        pool.ask(request(hungry))

    assert pool.ask(request())["text"] == "Hello\n"


def test_wall_clock_time_is_limited_for_a_helper_that_stands_still() -> None:
    pool = Pool(size=1, budget=Budget(wall_seconds=0.3))
    try:
        pool.ask(request())
        [stopped] = pool.pids()
        os.kill(stopped, signal.SIGSTOP)

        with pytest.raises(BudgetExceeded, match="wall-clock"):
            pool.ask(request())

        assert gone(stopped)
        assert pool.ask(request())["text"] == "Hello\n"
    finally:
        pool.close()


def test_a_helper_that_died_while_idle_is_replaced_unseen(pool: Pool) -> None:
    pool.ask(request())
    [idle] = pool.pids()
    os.kill(idle, signal.SIGKILL)

    assert pool.ask(request())["text"] == "Hello\n"

    assert pool.pids() != [idle]


def test_what_a_template_does_wrong_costs_no_helper(pool: Pool) -> None:
    pool.ask(request())
    before = pool.pids()

    with pytest.raises(RenderingFailed, match="undefined"):
        pool.ask(request("{{ nothing }}"))

    assert pool.pids() == before


def test_many_threads_share_a_few_helpers(pool: Pool) -> None:
    answers: list[str] = []

    def work(number: int) -> None:
        answers.append(pool.ask(request(f"{number}"))["text"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == sorted(f"{number}\n" for number in range(12))
    assert len(pool.pids()) <= 2


def test_an_exception_thrown_into_the_thread_costs_the_helper_only() -> None:
    pool = Pool(size=1, budget=Budget(cpu_seconds=30, wall_seconds=1))
    pool.ask(request())
    [held] = pool.pids()
    os.kill(held, signal.SIGSTOP)
    ended: list[BaseException] = []

    def work() -> None:
        try:
            pool.ask(request())
        except BaseException as error:  # noqa: BLE001 - what arrives is the point
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    eventually(lambda: bool(pool._busy))
    # As dramatiq's time limit does; it arrives when the thread runs bytecode again.
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)
    )
    thread.join(20)

    assert isinstance(ended[0], KeyboardInterrupt | BudgetExceeded)
    assert gone(held)
    assert pool.ask(request())["text"] == "Hello\n"
    pool.close()


def test_a_fork_starts_helpers_of_its_own(pool: Pool) -> None:
    pool.ask(request())
    before = pool.pids()

    child = os.fork()
    if child == 0:
        fine = pool.ask(request())["text"] == "Hello\n" and pool.pids() != before
        pool.close()
        os._exit(0 if fine else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert pool.ask(request())["text"] == "Hello\n"
    assert pool.pids() == before


OWNER = """
import os, signal, sys
from templates.limits import Pool
from tests.integration.templates.test_limits import request
pool = Pool(size=1)
pool.ask(request())
print(pool.pids()[0], flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_helpers_die_with_their_process(how: str) -> None:
    owner = subprocess.run(
        [sys.executable, "-c", OWNER, how], cwd=ROOT, capture_output=True, text=True, check=False
    )

    helper = int(owner.stdout)

    assert owner.returncode == (-signal.SIGKILL if how == "killed" else 0), owner.stderr
    eventually(lambda: gone(helper))


def test_no_zombie_is_left(pool: Pool) -> None:
    hungry = "{% for i in (1..200000000) reversed %}{% endfor %}"
    for _ in range(3):
        with pytest.raises(BudgetExceeded):
            pool.ask(request(hungry))
    pool.ask(request())
    pool.close()

    mine = psutil.Process().children()

    assert [child for child in mine if child.status() == psutil.STATUS_ZOMBIE] == []


def test_when_all_helpers_are_busy_too_long_the_template_is_not_blamed() -> None:
    pool = Pool(size=1, budget=Budget(start_seconds=0.05))
    pool._free.acquire()

    with pytest.raises(HelperUnavailable, match="busy"):
        pool.ask(request())

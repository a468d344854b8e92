"""Who acts, as text and back, and what one piece of work inherits from another."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tenancy.acting import Actor, acting, current, one_act


@pytest.mark.parametrize("text", ["user:7", "service:7", "operator:7", "system"])
def test_an_actor_is_read_back_from_its_text(text: str) -> None:
    assert str(Actor.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user",
        "user:",
        f"user:{'9' * 30}",
        "user:x",
        "user:-1",
        "system:1",
        "root:1",
        "user:1:2",
        "User:1",
    ],
)
def test_any_other_text_names_no_actor(text: str) -> None:
    with pytest.raises(ValueError, match="names no actor"):
        Actor.parse(text)


def test_work_inside_other_work_has_its_correlation_id() -> None:
    with acting(Actor.user(7), source="api", correlation_id="request-1"):
        with acting(Actor.system(), source="worker") as inner:
            assert inner.correlation_id == "request-1"
        with acting(Actor.system(), source="worker", correlation_id="other") as inner:
            assert inner.correlation_id == "other"
        assert current().actor == Actor.user(7)


def test_work_of_its_own_gets_a_correlation_id_of_its_own() -> None:
    with acting(Actor.system(), source="worker") as first:
        pass
    with acting(Actor.system(), source="worker") as second:
        pass

    assert first.correlation_id != second.correlation_id


def test_a_correlation_id_from_outside_is_cut_and_cleaned() -> None:
    with acting(Actor.system(), source="api", correlation_id="a\x00b\nc" + "d" * 500) as work:
        assert work.correlation_id == "abc" + "d" * 125


def test_a_correlation_id_of_nothing_printable_counts_as_none() -> None:
    with acting(Actor.system(), source="api", correlation_id="\n\x00") as work:
        assert len(work.correlation_id) == 36


def test_one_act_has_one_correlation_id_where_nobody_said_who_acts() -> None:
    assert current().correlation_id != current().correlation_id

    with one_act():
        assert current().correlation_id == current().correlation_id


def test_a_thread_does_not_act_for_whoever_started_it() -> None:
    with acting(Actor.user(7), source="web"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(current).result().actor == Actor.system()


@pytest.mark.parametrize(
    ("actor", "source", "expected"),
    [
        (Actor.operator(1), "admin", True),
        (Actor.operator(1), "worker", True),
        (Actor.system(), "command", True),
        (Actor.system(), "worker", False),
        (Actor.user(1), "command", False),
        (Actor.service(1), "command", False),
    ],
)
def test_the_platform_is_an_operator_or_a_command(
    actor: Actor, source: str, expected: bool
) -> None:
    with acting(actor, source=source) as work:  # type: ignore[arg-type]
        assert work.is_platform is expected

"""What is kept of an exception can always be written, whatever the exception is."""

import json

from jobs.ledger.failures import Failure


class Mute(Exception):
    """One that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def caught(raiser) -> Failure:
    try:
        raiser()
    except BaseException as error:  # noqa: BLE001 - that is what it is for
        return Failure.of(error)
    raise AssertionError("nothing was raised")


def raising(error: BaseException):
    def raiser():
        raise error

    return raiser


def test_class_message_and_own_frame_are_kept():
    failure = caught(raising(ValueError("bad row")))

    assert (failure.error_class, failure.message) == ("ValueError", "bad row")
    assert failure.frame.startswith("tests/unit/jobs/ledger/test_failures.py:")
    assert failure.frame.endswith(" raiser")


def test_the_own_frame_is_ours_even_when_a_library_raised():
    failure = caught(lambda: json.loads("{"))

    assert failure.frame.startswith("tests/unit/jobs/ledger/test_failures.py:")
    assert "json/decoder.py" in failure.traceback


def test_one_place_has_one_digest():
    places = [caught(raising(ValueError(text))) for text in ("a", "b")]

    assert len({failure.digest for failure in places}) == 1
    assert caught(lambda: json.loads("{")).digest != places[0].digest


def test_the_cause_is_in_the_traceback():
    def wrap():
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error

    assert "KeyError: 'inner'" in caught(wrap).traceback


def test_nothing_that_the_ledger_cannot_store_is_kept():
    failure = caught(raising(ValueError("nul \x00 and half a pair \ud800")))

    assert "\x00" not in failure.message + failure.traceback
    (failure.message + failure.traceback).encode()


def test_long_texts_are_cut_to_what_the_columns_take():
    nasty = type("E" * 500, (Exception,), {})
    failure = caught(raising(nasty("x" * 100_000)))

    assert len(failure.error_class) <= 200
    assert len(failure.message) <= 4_000
    assert len(failure.traceback) <= 16_000


def test_a_long_place_is_cut_at_its_front():
    name = "f" * 400
    places = {}
    exec(compile(f"def {name}(): raise ValueError", __file__, "exec"), places)

    frame = caught(places[name]).frame

    assert len(frame) <= 300
    assert frame.endswith("fff")


def test_an_error_without_words_is_kept_all_the_same():
    failure = caught(raising(Mute()))

    assert failure.error_class == "Mute"
    assert failure.message == "(its text could not be read: RuntimeError)"


def test_an_interrupt_is_a_failure_too():
    assert caught(raising(SystemExit(3))).error_class == "SystemExit"

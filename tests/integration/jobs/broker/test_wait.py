import threading
from datetime import timedelta

LONG = timedelta(seconds=3)
SHORT = timedelta(milliseconds=1)


def test_an_idle_consumer_wakes_when_a_message_comes(queues, group, put):
    woken = []
    waiting = threading.Thread(target=lambda: woken.append(queues.wait(group, LONG)))
    waiting.start()

    put(7)
    waiting.join(10)

    assert woken == [True]


def test_nothing_wakes_a_consumer_when_nothing_came(queues, group):
    assert not queues.wait(group, SHORT)


def test_many_messages_leave_one_token(queues, group, put):
    for _ in range(10):
        put(7)

    assert queues.wait(group, LONG)
    assert not queues.wait(group, SHORT)

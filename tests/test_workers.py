from __future__ import annotations

import threading

import pytest

from fullwell.workers import Workers, waiting

PATIENCE = 20.0  # seconds after which a test that would hang fails


def test_no_more_compute_at_once_than_are_asked_for():
    at_once, most, lock = 0, 0, threading.Lock()

    def compute(value):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        square = sum(value for _ in range(value))
        with lock:
            at_once -= 1
        return square

    with Workers(2, writing=3) as workers:
        assert list(workers.map(compute, range(50))) == [i * i for i in range(50)]
    assert most <= 2


def test_another_goes_on_while_one_waits():
    other_done = threading.Event()

    def writes():
        with waiting(), waiting():
            return other_done.wait(PATIENCE)

    with Workers(1, writing=1) as workers:
        first = workers.submit(writes)
        workers.submit(other_done.set)
        assert first.result()


def test_what_a_task_raises_comes_back_and_takes_no_turn_away():
    def fails():
        with waiting():
            raise ValueError("no")

    with Workers(1, writing=0) as workers:
        with pytest.raises(ValueError, match="no"):
            workers.submit(fails).result()
        assert workers.submit(int).result() == 0


def test_elsewhere_waiting_does_nothing():
    with waiting():
        pass

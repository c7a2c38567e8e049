from __future__ import annotations

import threading
import time

import pytest

from fullwell.kernels.pool import default_workers, over_blocks


@pytest.mark.parametrize("workers", [1, 2, 3, None])
def test_results_come_in_the_order_of_the_blocks(workers):
    assert over_blocks(lambda x: x * x, range(11), workers=workers) == [x * x for x in range(11)]


def test_nothing_to_do():
    assert over_blocks(lambda x: x, []) == []


def test_an_error_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        over_blocks(lambda x: 1 // x, [1, 2, 0, 4], workers=2)


def test_an_error_waits_for_what_others_are_still_at():
    failed, done = threading.Event(), []

    def run(i):
        if i == 0:
            failed.set()
            raise ZeroDivisionError
        failed.wait(30)
        time.sleep(0.2)  # without waiting, the caller would have the error long before
        done.append(i)

    with pytest.raises(ZeroDivisionError):
        over_blocks(run, [0, 1], workers=2)

    assert done == [1]


def test_blocks_within_blocks_do_not_wait_for_each_other():
    done = []

    def outer(i):
        return sum(over_blocks(lambda j: i * j, range(5), workers=2))

    def run():
        done.append(over_blocks(outer, range(8), workers=2))

    # A pool that waits for itself would hang for ever.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)

    assert done == [[10 * i for i in range(8)]]


def test_two_workers_work_at_once():
    met = threading.Barrier(2, timeout=30)

    assert len(over_blocks(lambda _: met.wait(), range(2), workers=2)) == 2
    assert default_workers() >= 1

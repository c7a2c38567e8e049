"""One thread inside, as many as before outside, whoever else is inside."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info

from fullwell.kernels.blas import one_thread


@pytest.fixture(autouse=True)
def two_threads():
    """More than one, to see the difference; skipped where NumPy's library has no number of threads."""
    if not counts():
        pytest.skip("no library for linear algebra whose threads can be counted")
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        yield


def counts():
    return {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"}


def test_numbers_stay_and_threads_come_back():
    matrix = np.random.default_rng(1).standard_normal((200, 200))
    before = counts()
    with one_thread():
        inside = matrix @ matrix
        assert counts() == {1}
        with one_thread():
            pass
        assert counts() == {1}
    np.testing.assert_allclose(inside, matrix @ matrix, rtol=1e-10, atol=1e-10)
    assert counts() == before == {2}


def test_threads_come_back_when_another_stays_longer():
    entered, leave = threading.Event(), threading.Event()

    def other():
        with one_thread():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        assert entered.wait(10)
    leave.set()
    thread.join(10)
    assert counts() == {2}


def test_an_error_inside_restores():
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert counts() == {2}

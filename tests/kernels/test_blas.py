"""One thread inside, as many as before outside, whoever else is inside."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from fullwell.kernels import blas


def test_numbers_stay_and_threads_come_back():
    matrix = np.random.default_rng(1).standard_normal((200, 200))
    found = blas._threads()
    before = None if found is None else found[0]()
    with blas.one_thread():
        inside = matrix @ matrix
        if found is not None:
            assert found[0]() == 1
        with blas.one_thread():
            pass
        if found is not None:
            assert found[0]() == 1
    np.testing.assert_allclose(inside, matrix @ matrix, rtol=1e-10, atol=1e-10)
    if found is not None:
        assert found[0]() == before


def fake(monkeypatch, count):
    state = [count]
    monkeypatch.setattr(blas, "_threads", lambda: ((lambda: state[0]), (lambda n: state.__setitem__(0, n))))
    return state


def test_the_last_one_out_restores(monkeypatch):
    state = fake(monkeypatch, 8)
    entered, leave = threading.Event(), threading.Event()

    def other():
        with blas.one_thread():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with blas.one_thread():
        thread.start()
        assert entered.wait(10)
    assert state == [1]
    leave.set()
    thread.join(10)
    assert state == [8]


def test_an_error_inside_restores(monkeypatch):
    state = fake(monkeypatch, 4)
    with pytest.raises(ZeroDivisionError), blas.one_thread():
        raise ZeroDivisionError
    assert state == [4]


def test_without_openblas_nothing_happens(monkeypatch):
    monkeypatch.setattr(blas, "_threads", lambda: None)
    with blas.one_thread():
        assert np.linalg.inv(np.eye(2)).shape == (2, 2)

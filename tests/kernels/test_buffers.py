"""Memory that is used again: never while anybody holds it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from fullwell.kernels.buffers import LARGE, BufferPool

SHAPE = (1024, LARGE // 4096)  # float32, of the least size that comes from the pool


def place(array):
    return array.__array_interface__["data"][0]


def test_it_comes_back_when_the_array_is_gone():
    pool = BufferPool()
    first = pool.empty(SHAPE, np.float32)
    where = place(first)
    assert (first.shape, first.dtype, pool.idle) == (SHAPE, np.float32, 0)
    del first
    assert pool.idle == LARGE
    assert place(pool.empty((SHAPE[0], 2 * SHAPE[1]), np.uint16)) == where


def test_it_does_not_come_back_while_a_view_is_there():
    pool = BufferPool()
    first = pool.empty(SHAPE, np.float32)
    first[:] = 7
    view = first[3:5, ::2].T.view(np.uint32).view(np.float32)
    buffer = memoryview(first)
    del first
    gc.collect()
    other = pool.empty(SHAPE, np.float32)
    other[:] = 8
    assert (view == 7).all()
    del view
    assert pool.idle == 0
    assert buffer[0, 0] == 7
    del buffer
    assert pool.idle == LARGE


def test_what_is_small_or_of_another_size_is_made_anew():
    pool = BufferPool()
    first = pool.empty(SHAPE, np.float32)
    del first
    small, large = pool.empty((10, 10), np.float32), pool.empty((2 * SHAPE[0], SHAPE[1]), np.float32)
    assert small.flags.owndata
    assert large.shape == (2 * SHAPE[0], SHAPE[1])
    assert pool.idle == LARGE


def test_no_more_than_so_much_is_idle():
    pool = BufferPool(idle=2 * LARGE)
    arrays = [pool.empty(SHAPE, np.float32) for _ in range(4)]
    del arrays
    assert pool.idle == 2 * LARGE


def test_threads_never_share_memory():
    pool = BufferPool()
    wrong = []

    def work(number):
        for _ in range(20):
            array = pool.empty(SHAPE, np.float32)
            array[::64] = number
            if not (array[::64] == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert pool.idle <= 2 * 4 * LARGE  # a thread keeps its array until the next one is there


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_its_own():
    script = """
import os, sys
import numpy as np
from fullwell.kernels.buffers import BufferPool
array = BufferPool().empty((1024, 1024), np.float32)
array[:] = 1
if not (child := os.fork()):
    array[:] = 2
    os._exit(0)
os.waitpid(child, 0)
sys.exit(int(array.max()) - 1)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0

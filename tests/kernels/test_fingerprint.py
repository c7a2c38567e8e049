from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.kernels.fingerprint import fingerprint


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(st.integers(1, 130), st.integers(1, 130)))
def test_compiled_and_plain_give_one_name(seed, shape):
    image = np.random.default_rng(seed).integers(0, 2**16, shape).astype(np.uint16)
    assert fingerprint(image, compiled=True) == fingerprint(image, compiled=False)


def test_each_pixel_and_its_place_count():
    image = np.random.default_rng(1).integers(0, 2**16, (70, 90)).astype(np.uint16)
    others = [image[::-1], image[:, ::-1], np.roll(image, 1), image.reshape(90, 70), image[:, :-1]]
    for place in ((0, 0), (35, 44), (69, 89)):
        other = image.copy()
        other[place] ^= 1
        others.append(other)
    names = {fingerprint(one) for one in (image, *others)}
    assert len(names) == 1 + len(others)
    assert fingerprint(image.copy()) in names

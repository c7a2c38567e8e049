"""What is flagged and not subtracted."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_frames import SHAPE, electrons, signal

from fullwell import CosmicRays, Dark, Defects, Flat, Noise
from fullwell.effects.dark import DarkLevel
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import Flags

HOT, DEAD, BAD = int(Flags.HOT), int(Flags.DEAD), int(Flags.BAD)


def plane(*pixels):
    flags = np.zeros(SHAPE, np.uint16)
    for row, column, value in pixels:
        flags[row, column] |= value
    return flags


def products():
    level = DarkLevel(1.0, np.zeros(SHAPE, np.float32), 1.0, 3, "d")
    dark = Dark(levels=(level,), flags=plane((1, 1, HOT), (2, 2, int(Flags.COSMIC_RAY))))
    flat = Flat(np.ones(SHAPE), flags=plane((3, 3, DEAD), *((row, 7, DEAD) for row in range(60))))
    return dark, flat


def test_defects_are_those_of_the_products_and_whole_columns():
    defects = Defects.from_products(*products())

    assert defects.flags[1, 1] == HOT
    assert defects.flags[2, 2] == 0
    assert defects.flags[3, 3] == DEAD
    assert (defects.flags[:60, 7] == DEAD | BAD).all()
    assert (defects.flags[60:, 7] == BAD).all()
    assert defects.counts == {"HOT": 1, "DEAD": 61, "BAD": 100}


def test_dead_pixels_collect_nothing_and_the_others_what_they_did():
    made = signal(50.0)
    Defects(plane((1, 1, DEAD), (2, 2, HOT))).simulate(made, noise=Noise(1))

    assert made.image[1, 1] == 0
    assert made.image.sum() == 50 * (SHAPE[0] * SHAPE[1] - 1)


def test_correcting_flags_and_keeps_values():
    frame = electrons(5.0)
    clean = Defects(plane((1, 1, HOT))).correct(frame)

    assert np.argwhere(clean.mask).tolist() == [[1, 1]]
    np.testing.assert_array_equal(clean.data, frame.data)
    assert not frame.flags.any()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ParameterError, match="at least one measured"):
        Defects.from_products(Dark())
    with pytest.raises(ParameterError):
        Defects(np.zeros(SHAPE, bool))
    with pytest.raises(ChainError, match="defect map"):
        Defects(plane()).correct(electrons(1.0, shape=(3, 3)))
    with pytest.raises(ChainError, match="from_products"):
        Defects.measure([])


# --- cosmic rays


def test_tracks_are_put_in_where_the_truth_says():
    made = signal(100.0, seconds=600.0)
    CosmicRays(rate=500.0).simulate(made, noise=Noise(3))
    hit = made.truth["cosmic_rays"]

    assert made.truth["cosmic_ray_count"] > 20
    assert (made.image[~hit] == 100).all()
    assert (made.image[hit] > 100).all()


def test_without_time_there_are_none():
    made = signal(100.0, seconds=0.0)
    CosmicRays().simulate(made, noise=Noise(3))

    assert made.truth["cosmic_ray_count"] == 0


def test_found_ones_are_flagged_and_little_else():
    made = signal(0.0, seconds=600.0)
    CosmicRays(rate=500.0).simulate(made, noise=Noise(3))
    noise = 10 * np.random.default_rng(1).standard_normal(SHAPE)
    frame = electrons(0.0, variance=np.full(SHAPE, 100, np.float32))
    frame.data += (made.image + noise).astype(np.float32)
    frame.flags[0, 0] = BAD
    bright = made.truth["cosmic_rays"] & (made.image > 200)

    clean = CosmicRays().correct(frame)

    found = (clean.flags & int(Flags.COSMIC_RAY)) != 0
    assert (found & bright).sum() / bright.sum() > 0.9
    # 5 sigma of a Laplacian: no false alarm in 12000 pixels but for the neighbors of hits.
    assert (found & ~made.truth["cosmic_rays"]).sum() < 0.3 * found.sum()
    assert clean.header["NCOSMIC"] == found.sum()
    assert clean.flags[0, 0] == BAD
    np.testing.assert_array_equal(clean.data, frame.data)


def test_finding_needs_a_variance():
    with pytest.raises(ChainError, match="variance"):
        CosmicRays().correct(electrons(1.0))
    for options in ({"rate": -1.0}, {"depth": np.nan}, {"threshold": -5.0}):
        with pytest.raises(ParameterError):
            CosmicRays(**options)

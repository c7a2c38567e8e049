"""What is flagged and not subtracted."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from simulated_frames import SHAPE, electrons, signal

from fullwell import Bias, CosmicRays, Dark, Defects, Flat, Gain, Noise, ReadNoise, ShotNoise, SignalChain
from fullwell.detector import Detector
from fullwell.effects.dark import DarkLevel
from fullwell.effects.defects_find import DefectRules
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


# --- thresholds, weak pixels, clusters, traps, interpolation


def test_weak_pixels_keep_a_part_of_a_poisson_number():
    kept = np.full(SHAPE, 0.6, np.float32)
    counted = Noise(4).stream("light").poisson(np.full(SHAPE, 1000.0, np.float32))
    made = signal(counted)
    Defects(plane(), throughput=kept).simulate(made, noise=Noise(1))
    # 12 000 pixels: 5 standard errors of mean and variance.
    assert made.image.mean() == pytest.approx(600, abs=5 * np.sqrt(600 / made.image.size))
    assert made.image.var() == pytest.approx(600, rel=5 * np.sqrt(2 / made.image.size))


@pytest.mark.parametrize("top", [False, True])
def test_a_trap_darkens_what_is_read_behind_it(top):
    made = signal(500.0)
    if top:
        amplifier = attrs.evolve(made.detector.amplifiers[0], corner=(False, True), flip_y=True)
        made.detector = attrs.evolve(made.detector, amplifiers=(amplifier,))
    Defects(plane(), traps=[(40, 9, 200.0), (60, 9, 400.0)]).simulate(made, noise=Noise(1))
    column = made.image[::-1, 9] if top else made.image[:, 9]
    first, second = (39, 59) if top else (40, 60)  # rows from the register
    assert (column[:first] == 500).all()
    assert (column[first:second] == (100 if top else 300)).all()
    assert (column[second:] == 0).all()
    assert (np.delete(made.image, 9, axis=1) == 500).all()


def test_defects_are_found_by_the_thresholds_of_the_table():
    rate = np.full(SHAPE, 0.1)
    rate[50, 50], rate[20, 20] = 5.1, 4.9
    rate[30:52, 60] = 6.0
    rate[10:28, 70] = 6.0
    response = np.ones(SHAPE)
    response[40, 40], response[40, 42], response[2, 40] = 0.79, 0.81, 0.1
    rules = DefectRules(dark_run=30, gap=2)
    found = Defects.by_thresholds(dark=Dark(rate), flat=Flat(response), rules=rules)
    hot = np.argwhere(found.flags & HOT)
    assert {tuple(p) for p in hot} == {
        (50, 50),
        *((y, 60) for y in range(30, 52)),
        *((y, 70) for y in range(10, 28)),
    }
    assert np.argwhere(found.flags & DEAD).tolist() == [[40, 40]]
    # 22 bright ones are a column from there on, 18 are not.
    bad = np.zeros(SHAPE, bool)
    bad[30:, 60] = True
    np.testing.assert_array_equal(found.flags & BAD != 0, bad)


def test_what_is_simulated_is_found():
    detector = Detector.single((200, 220))
    true = Defects.random(
        detector, seed=3, dead=1e-3, low=1e-3, low_throughput=(0.2, 0.6), clusters=2, columns=1, traps=2
    )
    noise = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0)]
    chain = SignalChain([true, *noise], detector=detector)
    frames = [e.frame for e in chain.expose_sequence([(np.full(detector.shape, 500.0), 1.0)] * 10, seed=1)]
    flat = Flat.measure(frames, known=SignalChain(noise[1:]))
    found = Defects.by_thresholds(flat=flat)
    inside = np.zeros(detector.shape, bool)
    inside[9:-9, 9:-9] = True
    dark = (true.flags != 0) | (true.throughput < 0.7)
    for row, column, depth in true.traps.astype(int):
        dark[row:, column] |= depth > 150
    missed = dark & inside & (found.flags == 0)
    assert not missed.any()
    wrong = (found.flags & DEAD != 0) & ~dark
    for row, column, _ in true.traps.astype(int):
        wrong[row:, column] = False
    assert wrong.sum() == 0
    assert max(found.clusters) >= 13


def test_pixels_are_replaced_on_request_when_all_else_is_done():
    rate = np.full(SHAPE, 0.1, np.float32)
    rate[50, 50] = 100.0
    response = np.ones(SHAPE)
    response[:, :60] = 0.5
    chain = SignalChain([Dark(rate), Flat(response), ShotNoise(), Gain(1.0), Bias(100.0), ReadNoise(3.0)])
    frame = chain.expose(np.full(SHAPE, 1000.0), 10.0, detector=Detector.single(SHAPE), seed=1).frame
    kept = chain.with_(Defects(plane((50, 50, HOT), (50, 59, DEAD)))).correct(frame)
    filled = chain.with_(Defects(plane((50, 50, HOT), (50, 59, DEAD)), interpolate=True, size=7)).correct(
        frame
    )
    changed = np.argwhere(kept.data != filled.data).tolist()
    assert changed == [[50, 50], [50, 59]]
    # Level, though one neighbor has half the response: 5 sigma of a median of 48.
    for row, column in changed:
        near = kept.data[row - 3 : row + 4, column - 3 : column + 4].ravel()
        assert filled.data[row, column] == pytest.approx(np.median(np.delete(near, 24)), rel=1e-6)
        assert filled.flags[row, column] & Flags.INTERPOLATED
        assert filled.variance[row, column] < kept.variance[row, column]
    alone = Defects(plane((1, 1, HOT)), interpolate=True).correct(electrons(5.0))
    assert alone.flags[1, 1] == HOT | int(Flags.INTERPOLATED)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: DefectRules(bright=0.0), "bright"),
        (lambda: DefectRules(dark=1.0), "dark"),
        (lambda: DefectRules(gap=-1), "gap"),
        (lambda: Defects.by_thresholds(), "dark and flat"),
        (lambda: Defects.by_thresholds(dark=Dark(1.0)), "dark and flat"),
        (
            lambda: Defects.by_thresholds(dark=Dark(np.ones((3, 3))), flat=Flat(np.ones((4, 4)))),
            "dark and flat",
        ),
        (lambda: Defects.random(Detector.single((3, 3)), seed=1, dead=2.0), "dead"),
        (lambda: Defects.random(Detector.single((3, 3)), seed=1, traps=-1), "traps"),
        (lambda: Defects(plane(), throughput=np.ones((2, 2))), "throughput"),
        (lambda: Defects(plane(), traps=[(1.0, 2.0)]), "traps"),
        (lambda: Defects([[1]]), "flags"),
    ],
)
def test_impossible_defects_are_refused(make, name):
    with pytest.raises(ParameterError, match=name):
        make()


# --- cosmic rays


def test_tracks_are_put_in_where_the_truth_says():
    made = signal(100.0, seconds=600.0)
    CosmicRays(rate=500.0).simulate(made, noise=Noise(3))
    hit = made.truth["cosmic_rays"]

    assert made.truth["cosmic_ray_count"] > 20
    assert (made.image[~hit] == 100).all()
    assert (made.image[hit] > 100).all()


def test_tracks_are_as_wide_as_they_or_the_chain_say():
    def image(spread, **options):
        made = signal(0.0, seconds=600.0)
        made.spread = spread
        CosmicRays(rate=100.0, **options).simulate(made, noise=Noise(3))
        return made.image

    np.testing.assert_array_equal(image(0.6), image(None, diffusion=0.6))
    np.testing.assert_array_equal(image(0.6, diffusion=0.286), image(None))
    assert (image(0.6) > 0).sum() > 1.5 * (image(None) > 0).sum()


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
    for options in ({"rate": -1.0}, {"depth": np.nan}, {"threshold": -5.0}, {"diffusion": 21.0}):
        with pytest.raises(ParameterError):
            CosmicRays(**options)

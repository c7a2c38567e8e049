from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pytest
from astropy import units as u

from fullwell.combining import Combined, NoiseModel, combine, stack
from fullwell.errors import FrameError, FullwellWarning, NotEnoughFrames, ParameterError, UnitError
from fullwell.flags import Flags
from fullwell.frame import Frame, FrameSet, Shared

SHAPE = (60, 50)


def normal_frames(n, *, sigma=5.0, shape=SHAPE, seed=0, level=1000.0):
    random = np.random.default_rng(seed)
    return [Frame(random.normal(level, sigma, shape).astype(np.float32)) for _ in range(n)]


def one_pixel(values, **options) -> Combined:
    return combine([np.array([[value]], np.float32) for value in values], **options)


def flagged(data, flags):
    return Frame(np.asarray(data, np.float32), flags=np.asarray(flags, np.uint16))


# --- values, counts, flags


def test_mean_median_and_weights():
    assert one_pixel([1, 2, 6], clip=None).frame.data[0, 0] == 3
    assert one_pixel([1, 2, 6], clip=None, method="median").frame.data[0, 0] == 2
    assert one_pixel([1, 2, 6, 4], clip=None, method="median").frame.data[0, 0] == 3
    assert one_pixel([1, 2, 6], clip=None, weights=[1, 2, 1]).frame.data[0, 0] == 2.75


def test_scales_and_offsets_come_before_everything():
    frames = [np.full((2, 2), 10.0), np.full((2, 2), 5.0), np.full((2, 2), 7.0)]

    result = combine(frames, scales=[1, 2, 1], offsets=[0, 0, 3], clip=None)

    assert (result.frame.data == 10).all()
    assert (result.empirical == 0).all()


def test_extrema_go_first_and_count_as_rejected():
    result = one_pixel([9, 1, 5, 6, 7], clip=None, extrema=(1, 2))

    assert result.frame.data[0, 0] == 5.5
    assert (result.used[0, 0], result.rejected[0, 0]) == (2, 3)
    assert result.rejected_fraction == (0.0,) * 5


def test_extrema_are_no_reason_to_give_up_the_noise_model():
    result = combine(normal_frames(10), noise=NoiseModel(5.0), extrema=(1, 1))

    assert result.spread == "noise"


def test_masked_and_not_finite_values_are_neither_used_nor_rejected():
    bad = int(Flags.HOT)
    frames = [
        flagged([[1, 1]], [[0, 0]]),
        flagged([[100, np.nan]], [[bad, 0]]),
        flagged([[3, np.inf]], [[0, 0]]),
    ]

    result = combine(frames, clip=None)

    assert result.frame.data.tolist() == [[2, 1]]
    assert result.used.tolist() == [[2, 1]]
    assert result.rejected.tolist() == [[0, 0]]


def test_informational_flags_do_not_mask():
    frames = [flagged([[1]], [[0]]), flagged([[3]], [[int(Flags.SUSPECT)]])]

    assert combine(frames, clip=None).frame.data[0, 0] == 2


def test_a_pixel_is_flagged_when_more_than_half_of_its_inputs_are():
    hot, ray = int(Flags.HOT), int(Flags.COSMIC_RAY)
    planes = [[hot, hot, ray, 0], [hot, hot, hot, 0], [hot, 0, 0, 0], [0, 0, 0, 0]]
    frames = [flagged([[1, 2, 3, 4]], [plane]) for plane in planes]

    result = combine(frames, clip=None)

    assert result.frame.flags.tolist() == [[hot, 0, 0, 0]]
    assert result.used.tolist() == [[1, 2, 2, 4]]


def test_where_everything_is_masked_the_plain_mean_stands_and_is_flagged():
    hot = int(Flags.HOT)
    frames = [
        flagged([[1, np.nan, 1]], [[hot, 0, hot]]),
        flagged([[3, np.nan, 3]], [[hot, 0, int(Flags.BAD)]]),
    ]

    result = combine(frames, noise=NoiseModel(2.0))

    assert result.frame.data[0, 0] == 2
    assert np.isnan(result.frame.data[0, 1])
    assert result.frame.flags.tolist() == [[hot, int(Flags.NO_DATA), int(Flags.UNCALIBRATED)]]
    assert result.used.tolist() == [[0, 0, 0]]
    assert result.propagated[0, 0] == 2.0  # 2^2 / 2 values
    assert np.isnan(result.propagated[0, 1])


def test_outliers_are_rejected_and_counted_frame_by_frame():
    frames = normal_frames(5)
    frames[3].data[10, 20:25] += 500

    result = combine(frames, noise=NoiseModel(5.0))

    # 5 sigma: 6e-7 false rejections a value, 0.009 expected in all 15000; none with this seed.
    assert result.rejected.sum() == 5
    assert (result.used[10, 20:25] == 4).all()
    assert result.rejected_fraction == (0, 0, 0, 5 / (60 * 50), 0)
    assert np.abs(result.frame.data[10, 20:25] - 1000).max() < 5 * 5 / 2


def test_two_frames_that_disagree_leave_a_flag():
    frames = normal_frames(2)
    frames[0].data[1, 1] += 1000

    result = combine(frames, noise=NoiseModel(5.0))

    assert result.used[1, 1] == 0
    assert result.frame.flags[1, 1] == int(Flags.UNCALIBRATED)


def test_nothing_of_the_inputs_changes():
    frames = normal_frames(4)
    before = [frame.data.copy() for frame in frames]

    combine(frames, clip=None, scales=[1, 2, 3, 4], offsets=[1, 2, 3, 4], extrema=(1, 0))

    assert all(np.array_equal(a, f.data) for a, f in zip(before, frames, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16, ">f4", ">i2"])
def test_the_result_is_float32(dtype):
    result = combine([np.ones((3, 3), dtype)] * 3, clip=None)

    assert result.frame.data.dtype == result.frame.variance.dtype == np.float32
    assert result.frame.data.dtype.isnative


def test_integers_are_not_rounded_on_the_way():
    values = [65535, 65534, 0]

    assert combine([np.full((2, 2), v, np.uint16) for v in values], clip=None).frame.data[0, 0] == np.float32(
        sum(values) / 3
    )


# --- variance: closed forms and unbiasedness


def test_own_variances_are_propagated_in_closed_form():
    frames = [
        Frame(np.full((1, 1), 8.0, np.float32), variance=np.full((1, 1), v, np.float32)) for v in (1, 4, 16)
    ]

    plain = combine(frames)
    weighted = combine(frames, weights=[4, 2, 1], scales=[1, 0.5, 2])

    assert plain.propagated[0, 0] == pytest.approx(21 / 9)
    assert weighted.propagated[0, 0] == pytest.approx((16 * 1 + 4 * 4 * 0.25 + 16 * 4) / 49)


def test_the_model_is_propagated_in_closed_form():
    # Signal 400 above a pedestal of 100 at 2 e-/ADU: 200 ADU^2, and 3^2 of read noise. The second frame is at
    # half the level and scaled up, pedestal along with it: twice its noise.
    frames = [np.full((1, 1), 500.0), np.full((1, 1), 250.0)]

    result = combine(frames, scales=[1, 2], offsets=[0, 0], noise=NoiseModel(3.0, 2.0, 100.0))

    first, second = 9 + 400 / 2, 4 * 9 + 2 * (500 - 200) / 2
    assert result.propagated[0, 0] == pytest.approx((first + second) / 4)


def test_a_pixel_without_variance_spoils_it_only_where_it_is_used():
    bad = int(Flags.NO_DATA)
    good = [Frame(np.ones((1, 1), np.float32), variance=np.ones((1, 1), np.float32)) for _ in range(2)]
    empty = Frame(
        np.full((1, 1), np.nan, np.float32),
        variance=np.full((1, 1), np.nan, np.float32),
        flags=np.full((1, 1), bad, np.uint16),
    )

    assert combine([*good, empty]).propagated[0, 0] == 0.5


def test_the_spread_of_own_variances_is_never_that_of_the_value_itself():
    # A cosmic ray of 400 electrons brings its own Poisson variance along: 400/sqrt(425) is under 20 sigma,
    # but 400/sqrt(25) is 80. And a star whose variance is high in all frames is left alone.
    frames = normal_frames(3, shape=(20, 20))
    for frame in frames:
        frame.variance = np.full(frame.shape, 25, np.float32)
        frame.data[5, 5] += 10_000
        frame.variance[5, 5] = 10_025
    frames[0].data[5, 5] += 300  # 3 sigma of the star
    frames[0].data[9, 9] += 400
    frames[0].variance[9, 9] = 425

    result = combine(frames, clip=20.0)

    assert result.used[9, 9] == 2
    assert result.used[5, 5] == 3


@pytest.mark.parametrize(
    ("n", "options"),
    [
        (2, {"clip": None}),
        (3, {"clip": None}),
        (10, {"clip": None}),
        (3, {"clip": None, "method": "median"}),
        (4, {"clip": None, "method": "median"}),
        (10, {"clip": None, "method": "median"}),
        (5, {}),
        (10, {"clip": 2.5, "spread": "std"}),
        (10, {"clip": 3.0, "spread": "noise"}),
        (5, {"clip": 3.0, "spread": "mad"}),
        (10, {"clip": 3.0, "spread": "mad", "method": "median"}),
        (8, {"clip": None, "extrema": (1, 1)}),
    ],
)
def test_both_variances_are_those_of_the_result(n, options):
    frames = normal_frames(n, shape=(300, 300), seed=n)

    result = stack(frames, noise=NoiseModel(5.0), **options)

    # Variance of 9e4 means: relative error 0.47 %, factors 0.5 %, scatter of N = 2 another 0.5 %.
    # 3 % is 3.5 sigma or more: false alarm 5e-4 for each of the 24.
    true = result.frame.data.var(dtype=np.float64)
    assert result.propagated.mean(dtype=np.float64) == pytest.approx(true, rel=0.03)
    assert np.nanmean(result.empirical.astype(np.float64)) == pytest.approx(true, rel=0.03)
    assert result.frame.data.mean(dtype=np.float64) == pytest.approx(1000, abs=4 * np.sqrt(true / 9e4))


def test_without_a_model_the_variance_is_the_empirical_one():
    result = combine(normal_frames(5), clip=None)

    assert result.propagated is None
    assert result.frame.variance is result.empirical


def test_masters_in_common_pass_through_and_are_not_averaged_down():
    frames = [
        Frame(
            np.ones((2, 2), np.float32),
            variance=np.ones((2, 2), np.float32),
            shared={"bias": Shared(c, 9.0), **extra},
        )
        for c, extra in ((-1.0, {}), (-0.5, {"dark": Shared(-2.0, 1.0)}))
    ]

    shared = combine(frames, weights=[1, 3]).frame.shared

    assert shared["bias"].coefficient == pytest.approx(-0.25 * 1 - 0.75 * 0.5)
    assert shared["dark"].coefficient == pytest.approx(-1.5)
    assert shared["bias"].variance == 9.0


# --- warnings


@pytest.mark.parametrize(
    ("n", "clip", "warns"), [(3, 3, True), (7, 3, True), (8, 3, False), (22, 5, True), (24, 5, False)]
)
def test_a_clip_that_cannot_reject_says_so_and_is_right(n, clip, warns):
    values = [0.0] * (n - 1) + [1e6]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = one_pixel(values, spread="std", clip=clip)

    assert bool(caught) == warns
    assert (result.used[0, 0] == n) == warns
    if warns:
        assert "cannot reject a lone outlier" in str(caught[0].message)
        assert issubclass(caught[0].category, FullwellWarning)


def test_a_noise_model_that_does_not_hold_gives_way_to_the_scatter():
    frames = normal_frames(30, sigma=5.0)

    with pytest.warns(FullwellWarning, match="noise model, which does not hold"):
        result = combine(frames, noise=NoiseModel(0.5))

    assert result.spread == "std"
    assert result.rejected.sum() == 0  # 5 sigma of the true scatter of 30 values


def test_the_quiet_form_keeps_its_remarks():
    result = stack(normal_frames(3), spread="std", clip=3.0)

    assert len(result.remarks) == 1


# --- what is refused


def test_what_does_not_fit_is_refused():
    frames = normal_frames(3)
    with pytest.raises(NotEnoughFrames):
        combine([])
    with pytest.raises(NotEnoughFrames, match="leaves nothing"):
        combine(frames, clip=None, extrema=(1, 2))
    with pytest.raises(FrameError, match="shape"):
        combine([*frames, Frame(np.zeros((2, 2)))], clip=None)
    with pytest.raises(UnitError, match="electron"):
        combine([*frames, frames[0].with_(unit=u.electron)], clip=None)
    with pytest.raises(FrameError, match="variance"):
        combine([*frames, frames[0].with_(variance=np.ones(SHAPE))], clip=None)
    with pytest.raises(FrameError, match="corrected for"):
        combine([*frames, frames[0].with_(applied=("bias",))], clip=None)
    with pytest.raises(ParameterError, match="NoiseModel"):
        combine(frames)


@pytest.mark.parametrize(
    "options",
    [
        {"clip": 0.0},
        {"clip": -1.0},
        {"method": "mode"},
        {"spread": "iqr"},
        {"clip": np.inf},
        {"clip": np.nan},
        {"clip": 0},
        {"weights": [1, 2]},
        {"weights": [1, 2, 0]},
        {"scales": [1, np.nan, 1]},
        {"extrema": (-1, 0)},
        {"memory": 10},
        {"noise": (1,)},
    ],
)
def test_impossible_parameters_are_refused(options):
    if "noise" in options:
        with pytest.raises(ParameterError):
            NoiseModel(-1.0)
        with pytest.raises(ParameterError):
            NoiseModel(1.0, gain=0.0)
        for pedestal in (np.nan, np.inf, np.zeros(SHAPE)):
            with pytest.raises(ParameterError, match="pedestal"):
                NoiseModel(1.0, pedestal=pedestal)
        with pytest.raises(ParameterError, match=r"noise .*5\.0.*NoiseModel"):
            combine(normal_frames(3), noise=5.0)
        return
    with pytest.raises(ParameterError, match=next(iter(options))):
        combine(normal_frames(3), **({"spread": "std"} | options))


# --- memory


class Counting:
    """Loads frames made on the spot and counts how often."""

    def __init__(self, n, shape, *, variance=False, flags=False):
        self.n, self.shape, self.variance, self.flags = n, shape, variance, flags
        self.loads = [0] * n

    def __call__(self, i):
        self.loads[i] += 1
        random = np.random.default_rng(i)
        data = np.round(random.normal(1000, 31, self.shape)).astype(np.uint16)
        if not self.variance:
            return Frame(data)
        flags = np.where(data == 1000, np.uint16(Flags.HOT), np.uint16(0)) if self.flags else None
        return Frame(data.astype(np.float32), variance=data.astype(np.float32), flags=flags)

    def set(self):
        return FrameSet(range(self.n), load=self)


@pytest.mark.parametrize("variance", [False, True])
def test_memory_stays_under_the_ceiling_and_each_source_is_loaded_once(variance):
    shape, memory, n = (512, 512), 8 * 2**20, 40
    source = Counting(n, shape, variance=variance)
    options = {"spread": "std", "clip": 4.0}
    stack(source.set()[:3], memory=memory, **options)  # imports and caches
    source.loads = [0] * n

    tracemalloc.start()
    result = stack(source.set(), memory=memory, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert source.loads == [1] * n
    pixels = shape[0] * shape[1]
    assert n * pixels * (2 if not variance else 8) > 2 * memory
    outputs = 20 * pixels
    one_frame = 8 * 6 * pixels  # the one that is just being loaded, made from 64-bit random numbers
    assert peak < memory + outputs + one_frame
    assert result.frame.shape == shape


def test_the_ceiling_is_a_ceiling_for_the_blocks_as_well():
    # Without it 40 frames of 512 x 512 would need 1 GB inside of the kernel.
    source = Counting(12, (256, 256))
    stack(source.set(), memory=2**20, spread="std", clip=4.0)

    tracemalloc.start()
    stack(source.set(), memory=2**20, spread="std", clip=4.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2**20 + 20 * 256**2 + 48 * 256**2


@pytest.mark.parametrize("spread", ["noise", "std", "mad"])
@pytest.mark.parametrize("method", ["mean", "median"])
def test_the_bits_do_not_depend_on_memory(spread, method):
    source = Counting(9, (64, 1024), variance=True, flags=True)
    options = {"spread": spread, "clip": 3.0 if spread == "noise" else 2.0, "method": method}

    little = stack(source.set(), memory=2**20, **options)
    much = stack(source.set(), memory=2**30, **options)

    assert little.rejected.sum() > 0
    assert little.spread == spread
    for name in ("used", "rejected", "propagated", "empirical"):
        np.testing.assert_array_equal(getattr(little, name), getattr(much, name))
    np.testing.assert_array_equal(little.frame.data, much.frame.data)
    np.testing.assert_array_equal(little.frame.flags, much.frame.flags)
    assert little.rejected_fraction == much.rejected_fraction


def test_a_generator_is_read_once_and_not_held():
    made = Counting(6, (8, 8))
    result = combine((made(i) for i in range(6)), clip=None)

    assert made.loads == [1] * 6
    assert (result.used == 6).all()


def test_a_single_frame_is_its_own_mean():
    frame = normal_frames(1)[0]

    result = combine([frame], noise=NoiseModel(5.0))

    np.testing.assert_array_equal(result.frame.data, frame.data)
    assert (result.propagated == 25).all()
    assert np.isnan(result.empirical).all()


@pytest.mark.parametrize("extrema", [(1,), (1, 2, 3), (1.7, 0), (-1, 0)])
def test_extrema_that_are_no_two_counts_are_refused(extrema):
    with pytest.raises(ParameterError, match="extrema"):
        combine([np.ones((2, 2))] * 5, clip=None, extrema=extrema)

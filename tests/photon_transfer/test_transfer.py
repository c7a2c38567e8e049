"""The whole fit against what went in; files, tables, plots."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import fullwell
from fullwell import PhotonTransfer
from fullwell.detector import Amplifier, Box, Detector
from fullwell.errors import AlreadyExists, FrameError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise
from fullwell.photon_transfer import Curve, GaussianFlats, measure_curves

LEVELS = np.concatenate([[0.0, 0.0], np.linspace(2_500, 99_000, 38)])
TABLE = Path(__file__).resolve().parents[2] / "docs" / "tables" / "photon_transfer.py"


def ramp(seed=0, *, flats=None, levels=LEVELS):
    flats = flats or GaussianFlats.like_lsst(lags=4)
    frames = []
    for k, mean in enumerate(levels):
        # Pairs of one level have times of their own, as on a night with repeats.
        frames += [
            f.with_(exposure_time=mean + k, source=f"flat{k}") for f in flats.pair(mean, noise=Noise(seed, k))
        ]
    return frames


@pytest.fixture(scope="module")
def transfer():
    return PhotonTransfer.fit(FrameSet(ramp(4)), lags=4)


def trials():
    spec = importlib.util.spec_from_file_location("photon_transfer_table", TABLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.trials


def pulls(table, column, truth):
    return (table[:, column] - truth) / table[:, column + 1]


def test_twenty_amplifiers_come_out_as_theory_says():
    flats = GaussianFlats.like_lsst(lags=5)
    results = trials()(20, lags=5, side=200)

    full, _ = results["full"]
    for column, truth in ((0, flats.gain), (2, flats.a[0, 0])):
        pull = pulls(full, column, truth)
        # Mean of 20: 0.22, scatter 16 %; 4 sigma, false alarm 6e-5 each.
        assert abs(pull.mean()) < 0.9
        assert 0.5 < pull.std(ddof=1) < 1.65
    for model in ("quadratic", "exponential"):
        table, expected = results[model]
        assert abs(pulls(table, 0, expected[0]).mean()) < 0.9
        assert abs(pulls(table, 2, expected[2]).mean()) < 0.9
    # Theory: a parabola takes the gain for too high, and a_00 for too weak by a sixth.
    assert results["quadratic"][1][0] / flats.gain - 1 == pytest.approx(0.009, abs=0.003)
    assert results["quadratic"][1][2] / flats.a[0, 0] - 1 == pytest.approx(-0.155, abs=0.03)
    assert results["full"][1][[0, 2]] == pytest.approx([flats.gain, flats.a[0, 0]], rel=2e-4)


@pytest.mark.slow
def test_two_hundred_amplifiers_have_no_bias_and_honest_errors():
    flats = GaussianFlats.like_lsst()
    results = trials()(200)

    full, _ = results["full"]
    # Errors: gain 0.02 %, a_00 0.4 %, pull width 5 %.
    assert full[:, 0].mean() == pytest.approx(flats.gain, rel=0.002)
    assert full[:, 2].mean() == pytest.approx(flats.a[0, 0], rel=0.05)
    assert 0.9 < pulls(full, 0, flats.gain).std(ddof=1) < 1.1
    assert abs(pulls(full, 0, flats.gain).mean()) < 0.3
    for model in ("quadratic", "exponential"):
        table, expected = results[model]
        # 200 amplifiers: 0.07; 4 sigma.
        assert abs(pulls(table, 0, expected[0]).mean()) < 0.28
        assert abs(pulls(table, 0, flats.gain).mean()) > 0.28


def test_numbers_come_with_errors_units_and_sign(transfer):
    gain, noise, bf, well = transfer.gain, transfer.read_noise, transfer.brighter_fatter, transfer.full_well

    # 5 sigma of their own errors, 6e-7 each.
    assert abs(gain.value[0] - 1.5) < 5 * gain.error[0] < 0.05
    assert abs(noise.value[0] - 5.4) < 5 * noise.error[0] < 0.5
    truth = GaussianFlats.like_lsst(lags=4)
    assert (np.abs(bf.a[0] - truth.a) < 5 * bf.a_error[0]).all()
    assert (np.abs(bf.b[0, :2, :2] - truth.b[:2, :2]) < 5 * bf.b_error[0, :2, :2]).all()
    assert np.isnan(bf.b[0, 3]).all()
    assert bf.a00[0] < 0
    assert abs(bf.a_sum[0]) < 5 * bf.a_sum_error[0]
    assert well.lower_limit.all()
    assert well.value[0] == pytest.approx(99_000, rel=0.03)
    fit = transfer.amplifiers[0]
    assert fit.covariance.shape == (len(fit.names),) * 2
    assert fit.names[:3] == ("gain", "a_0_0", "a_0_1")
    assert fit.chi2 / fit.degrees == pytest.approx(1, abs=5 * np.sqrt(2 / fit.degrees))
    assert "negative" in type(bf).__doc__


def test_the_turnoff_is_found_behind_the_limit_of_the_fit():
    flats = GaussianFlats.like_lsst(lags=3)
    levels = np.linspace(3000, 150_000, 50)
    (measured,) = measure_curves((flats.pair(m, noise=Noise(6, k)) for k, m in enumerate(levels)), lags=3)
    # Charge that is shared lowers the variance and leaves the mean.
    shared = np.where(levels > 120_000, np.exp(-(levels - 120_000) / 10_000), 1.0)
    measured = Curve(
        "A",
        measured.mean,
        measured.covariance * shared[:, None, None],
        measured.counts,
        measured.pairs,
        measured.reasons,
    )

    fit = PhotonTransfer.fit_curves([measured])

    assert not fit.full_well.lower_limit[0]
    # Anywhere in a step of 3 ke-, and the gain.
    assert fit.full_well.value[0] == pytest.approx(120_000, rel=0.03)
    assert fit.full_well.error[0] >= 3000 / np.sqrt(12)
    assert "above the turnoff" in fit.amplifiers[0].curve.reasons


def test_the_curve_lists_points_used_and_not(transfer):
    table = transfer.curve

    assert len(table) == 40
    assert set(table.colnames) >= {"mean", "variance", "variance_error", "model", "used", "reason"}
    assert (table["used"] == (table["reason"] == "")).all()
    used = table["used"]
    pull = ((table["variance"] - table["model"]) / table["variance_error"])[used]
    assert abs(pull).max() < 5
    assert list(table["mean"]) == sorted(table["mean"])


def test_a_file_gives_everything_back(transfer, tmp_path):
    path = tmp_path / "ptc.fits"
    transfer.write(path)
    again = PhotonTransfer.read(path)

    assert again.summary() == transfer.summary()
    one, other = again.amplifiers[0], transfer.amplifiers[0]
    assert (one.values == other.values).all()
    assert (one.covariance == other.covariance).all()
    assert (one.curve.covariance == other.curve.covariance).all()
    assert (one.curve.counts == other.curve.counts).all()
    assert one.curve.reasons == other.curve.reasons
    header = fits.getheader(path)
    assert header["PTSIGN"] == "NEGATIVE"
    assert header["AZERO1"] < 0
    assert any("a_00 < 0" in line for line in header["HISTORY"])
    assert (fits.getdata(path)[:4] == transfer.brighter_fatter.a[0]).all()
    with pytest.raises(AlreadyExists):
        transfer.write(path)
    fullwell.write(Frame(np.zeros((3, 3))), tmp_path / "other.fits")
    with pytest.raises(FrameError, match="no photon transfer"):
        PhotonTransfer.read(tmp_path / "other.fits")


def test_an_amplifier_without_a_fit_does_not_stop_the_other(tmp_path):
    boxes = [Box(0, 80, 0, 200), Box(80, 200, 0, 200)]
    amplifiers = [Amplifier(n, box=b, data=b, raw=b) for n, b in zip("LR", boxes, strict=True)]
    detector = Detector("two", (200, 200), (200, 200), amplifiers)
    frames = ramp(2, levels=LEVELS[::2])
    for frame in frames:
        frame.flags[:, :80] = int(Flags.BAD)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = PhotonTransfer.fit(frames, detector=detector, model="exponential", lags=2)
        summary = fit.summary()

    assert np.isnan(fit.gain.value[0])
    assert np.isfinite(fit.gain.value[1])
    assert "can be used" in fit.amplifiers[0].trouble
    assert summary["amplifiers"][0]["gain"] is None
    json.dumps(summary, allow_nan=False)
    assert summary["sign"].startswith("a_00 < 0")
    fit.write(tmp_path / "half.fits")
    assert PhotonTransfer.read(tmp_path / "half.fits").summary() == summary
    fit.plot()
    assert len(fit.curve) == 40
    with pytest.raises(NotEnoughFrames, match="no amplifier"):
        PhotonTransfer.fit(frames[:4], model="quadratic", lags=2)


def test_the_plot_says_the_sign_and_the_numbers(transfer):
    ax = transfer.plot()

    assert "a00 < 0" in ax.get_title()
    (label,) = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "a00 (-" in label
    points = ax.lines[0].get_xydata()
    assert len(points) + len(ax.lines[1].get_xydata()) == 38  # the pairs without light have no place
    assert transfer.plot(ax, amplifier="A") is ax
    with pytest.raises(ParameterError, match="amplifier"):
        transfer.plot(amplifier="Z")


def test_frames_without_partner_are_named_and_twos_are_taken_as_they_are():
    frames = ramp(3)
    lonely = frames[0].with_(exposure_time=1e7, source="lonely.fits")

    matched = PhotonTransfer.fit([*frames, lonely], model="exponential", lags=1)
    given = PhotonTransfer.fit(zip(frames[::2], frames[1::2], strict=True), model="exponential", lags=1)

    assert matched.unpaired == ("lonely.fits",)
    assert given.gain.value == pytest.approx(matched.gain.value, rel=1e-12)


def test_what_cannot_be_is_refused(transfer):
    frames = ramp(0, levels=LEVELS[:3])
    with pytest.raises(ParameterError, match="model"):
        PhotonTransfer.fit(frames, model="linear")
    with pytest.raises(ParameterError, match="max_signal"):
        PhotonTransfer.fit(frames, max_signal=-1, lags=2)
    with pytest.raises(NotEnoughFrames, match="single frame"):
        PhotonTransfer.fit(frames[0])
    curves = [fit.curve for fit in transfer.amplifiers]
    with pytest.raises(ParameterError, match="lags"):
        PhotonTransfer.fit_curves(curves, lags=5)
    with pytest.raises(NotEnoughFrames):
        PhotonTransfer.fit_curves([])
    with pytest.raises(AttributeError):
        transfer.model = "full"

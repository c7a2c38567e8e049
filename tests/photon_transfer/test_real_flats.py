"""Pairs of real flats of one level, and of biases."""

from __future__ import annotations

import numpy as np
import pytest

import fullwell as fw
from fullwell.errors import NotEnoughFrames
from fullwell.photon_transfer import measure_curves


@pytest.mark.real
def test_flats_of_a_real_camera_give_the_gain_that_others_found(data_folder):
    folder = data_folder / "stl1001-lab"
    flats = fw.frames(str(folder / "flat-expos23s-Neg5-Vis.*.FIT"))
    biases = fw.frames(str(folder / "biases-Neg5-Vis.*.FIT"))
    level = np.mean([frame.data for frame in biases], axis=0)
    middle = np.s_[312:712, 312:712]
    bright, faint = (
        [(frame.data - level)[middle].astype(np.float32) for frame in frames] for frames in (flats, biases)
    )
    pairs = [(f[k], f[k + 1]) for f in (faint, bright) for k in range(0, 10, 2)]

    (curve,) = measure_curves(pairs, lags=4, bias_subtracted=True)

    with_light = curve.mean > 1000
    assert with_light.sum() == 5
    assert curve.used.all()
    noise = curve.variance[~with_light].mean()
    gain = (curve.mean[with_light] / (curve.variance[with_light] - noise)).mean()
    # 8e5 pixels: 0.2 %; independent scripts say 1.95 +- 0.04 and 6.70 ADU +- 2 %.
    assert gain == pytest.approx(1.95, abs=0.05)
    assert np.sqrt(noise) == pytest.approx(6.70, rel=0.03)
    # Two levels do not tell brighter-fatter from gain, and that is said.
    with pytest.raises(NotEnoughFrames):
        fw.PhotonTransfer.fit_curves([curve])

"""Measure a bias, a dark and a flat from frames, correct a science frame, and compare with the truth.

Run it with ``python examples/masters_by_hand.py``. The frames are simulated here, so the answer is known;
with frames of your own, `fullwell.frames("bias_*.fits")` takes the place of `expose`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import fullwell as fw

GAIN, READ_NOISE = 1.5, 8.0  # e-/ADU, e-
SHAPE = (256, 256)


def instrument(response: np.ndarray | None = None) -> fw.SignalChain:
    """Return the true instrument: every effect with the values that the measurement has to find."""
    effects: list[fw.Effect] = [fw.ShotNoise(), fw.Dark(rate=0.2, offset=2.0), fw.ReadNoise(READ_NOISE)]
    effects += [fw.Gain(GAIN), fw.Bias(level=1000.0), fw.ADC(bits=16)]
    return fw.SignalChain(effects if response is None else [*effects, fw.Flat(response)])


def expose(
    chain: fw.SignalChain, light: np.ndarray | None, seconds: float, *, first: int, count: int
) -> Iterator[fw.Frame]:
    """Take `count` frames; `first` numbers the exposures, so that no two share their noise."""
    detector = fw.Detector.single(SHAPE, gain=GAIN, read_noise=READ_NOISE)
    for number in range(first, first + count):
        yield chain.expose(light, seconds, detector=detector, noise=fw.Noise(2024, number)).frame


def main() -> None:
    """Measure, correct, compare."""
    y, x = np.mgrid[-0.5 : 0.5 : SHAPE[0] * 1j, -0.5 : 0.5 : SHAPE[1] * 1j]
    response = (1 - 0.2 * (x * x + y * y)).astype(np.float32)
    response /= np.median(response)
    dim, lit = instrument(), instrument(response)

    # What is measured IS the calibration product: a Bias, a Dark, a Flat.
    bias = fw.Bias.measure(expose(dim, None, 0.0, first=0, count=10))
    known = fw.SignalChain([bias])
    darks = [*expose(dim, None, 60.0, first=100, count=10), *expose(dim, None, 300.0, first=200, count=10)]
    dark = fw.Dark.measure(darks, known=known, gain=GAIN)
    lamp = np.full(SHAPE, 5000.0, np.float32)
    flats = expose(lit, lamp, 5.0, first=300, count=10)
    flat = fw.Flat.measure(flats, known=fw.SignalChain([bias, dark]), gain=GAIN)

    # The same objects take the instrument out of a frame, and say how sure they are.
    sky = np.full(SHAPE, 10.0, np.float32)  # e-/s
    noise = fw.ReadNoise(bias.read_noise[0] * GAIN, digitized=True)
    chain = fw.SignalChain([bias, dark, flat, fw.Gain(GAIN), fw.ShotNoise(), noise, fw.ADC(bits=16)])
    clean = chain.correct(next(expose(lit, sky, 120.0, first=400, count=1)))

    assert clean.variance is not None
    residual = (clean.data - 120.0 * sky)[~clean.mask]
    predicted = clean.variance[~clean.mask]
    print(f"read noise: {bias.read_noise[0] * GAIN:.3f} e- (true: {READ_NOISE})")
    print(f"dark rate: {np.median(dark.rate) * GAIN:.3f} e-/s (true: 0.2)")
    print(f"calibrated minus truth: {residual.mean():+.3f} e- on 1200 e-")
    print(f"mean square of it over the predicted variance: {np.mean(residual**2) / predicted.mean():.3f}")


if __name__ == "__main__":
    main()

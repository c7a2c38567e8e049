"""Gain and read noise from two flats and two biases, and what goes wrong with a single flat.

Run it with ``python examples/gain_and_noise.py``. Shot noise tells electrons from counts: the variance of a
Poisson number is its mean, so that variance over mean in ADU is one over the gain. Differences of two equal
frames take the fixed pattern (vignetting, pixel response) out of the variance.
"""

from __future__ import annotations

import numpy as np

import fullwell as fw

GAIN, READ_NOISE = 1.5, 8.0  # e-/ADU, e-
SHAPE = (512, 512)


def take(light: float, number: int) -> fw.Frame:
    """Return one raw frame: `light` electrons on the mean pixel, responses that differ by 2 %."""
    pixels = 1 + 0.02 * fw.Noise(7, 0).stream("pixel_response").normal(SHAPE)
    effects = [
        fw.ShotNoise(),
        fw.ReadNoise(READ_NOISE),
        fw.Gain(GAIN),
        fw.Bias(level=1000.0),
        fw.ADC(bits=16),
    ]
    chain = fw.SignalChain([*effects, fw.Flat(pixels)])
    detector = fw.Detector.single(SHAPE)
    scene = np.full(SHAPE, light, np.float32)
    return chain.expose(scene, 1.0, detector=detector, noise=fw.Noise(7, number)).frame


def main() -> None:
    """Measure in three ways."""
    bias1, bias2 = take(0.0, 1), take(0.0, 2)
    flat1, flat2 = take(30_000.0, 3), take(29_900.0, 4)

    pair = fw.gain_from_pair(flat1, flat2, bias1, bias2)
    print(f"gain       {pair.gain:.4f} +- {pair.gain_error:.4f} e-/ADU (true: {GAIN})")
    print(f"read noise {pair.read_noise:.3f} +- {pair.read_noise_error:.3f} e- (true: {READ_NOISE})")

    textbook = fw.gain_from_pair(flat1, flat2, bias1, bias2, rescale=False, clip=None)
    print(f"by the textbook formula, digit for digit: {textbook.gain:.4f} e-/ADU")

    # A single flat holds the fixed pattern too, and the gain comes out several times too small.
    signal = flat1.data - 1000.0
    print(f"from the variance of one flat: {signal.mean() / signal.var():.4f} e-/ADU")


if __name__ == "__main__":
    main()

"""Why noise cannot be subtracted: the mean of a bias, dark or sky goes, its scatter stays.

The masters that are subtracted add their own scatter on top, and UNCERT counts it.
Run it with ``python examples/noise_stays.py``.
"""

from __future__ import annotations

import numpy as np

import fullwell as fw

SHAPE = (512, 512)
READ_NOISE, SECONDS = 5.0, 100.0
DETECTOR = fw.Detector.single(SHAPE)
EFFECTS: list[fw.Effect] = [
    fw.ShotNoise(),
    fw.Dark(rate=0.5),
    fw.ReadNoise(READ_NOISE),
    fw.Gain(1.0),
    fw.Bias(level=1100.0),
    fw.ADC(bits=16),
]


def take(light: float, seconds: float, number: int) -> fw.Frame:
    """Return one raw frame with `light` electrons a second in each pixel."""
    scene = np.full(SHAPE, light, np.float32) if light else None
    return fw.SignalChain(EFFECTS).expose(scene, seconds, detector=DETECTOR, noise=fw.Noise(11, number)).frame


def main() -> None:
    """Subtract masters of more and more frames."""
    raw = take(0.2, SECONDS, 0)
    # 20 e- of sky and 50 e- of dark current vary by the roots of 20 and 50, whatever is subtracted.
    floor = np.sqrt(READ_NOISE**2 + 1 / 12 + 20 + 50)
    print(
        f"raw frame:     mean {raw.data.mean():7.2f}, scatter {raw.data.std():5.2f} e-; expected {floor:.2f}"
    )
    for count in (3, 10, 30):
        bias = fw.Bias.measure(take(0.0, 0.0, 2000 * count + i) for i in range(count))
        darks = [take(0.0, SECONDS, 1000 * count + i) for i in range(count)]
        dark = fw.Dark.measure(darks, known=fw.SignalChain([bias]), gain=1.0)
        noise = fw.ReadNoise(bias.read_noise[0], digitized=True)
        chain = fw.SignalChain([bias, dark, fw.Gain(1.0), fw.ShotNoise(), noise, fw.ADC(bits=16)])
        clean = chain.correct(raw)
        assert clean.variance is not None
        good = ~clean.mask
        values, said = clean.data[good], np.sqrt(clean.variance[good].mean())
        numbers = f"mean {values.mean():7.2f}, scatter {values.std():5.2f} e-; UNCERT says {said:.2f}"
        print(f"minus {count:2d} darks: {numbers}")


if __name__ == "__main__":
    main()

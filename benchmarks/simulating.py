"""One raw frame simulated beside NumPy, galsim and photutils: the sky, stars, flat, noise, bias and converter.

All make the same frame, each by the way its documentation shows: 100 e- of sky, 5 e- of dark current, 1000 stars, a
flat, 5 e- of read noise, 1.5 e-/ADU, a bias of 1000 ADU and 16 bits. Ours draws light and dark current apart, so that
each can be switched off and leaves the bits of the other; the peers draw them together, which saves them a Poisson
number a pixel. NumPy is also shown drawing them apart. Each frame is judged by what
is expected of it: chi-square a pixel of the frame against mean and variance in closed form.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from harness import Agreement, Contest, Function, Options, Target, main
from peers import if_found, of_python

from fullwell import (
    ADC,
    Bias,
    Dark,
    Detector,
    Flat,
    Gain,
    ReadNoise,
    Scene,
    ShotNoise,
    SignalChain,
    Sky,
    Stars,
)

SKY, DARK, READ_NOISE, GAIN, BIAS, FWHM = 100.0, 5.0, 5.0, 1.5, 1000.0, 3.0
STARS = 1000
HALF = 8  # of a stamp, pixels: 6 sigma
Image = np.ndarray


def digitized(adu: Image) -> Image:
    """Round and clip in place, as fast as NumPy does it."""
    np.rint(adu, out=adu)
    np.clip(adu, 0, 65535, out=adu)
    return adu.astype(np.uint16)


def with_numpy(flat: Image, stars: Stars, seed: int, *, apart: bool = False) -> Image:
    """Simulate with the fastest generator of NumPy, in float32 where it can; `apart` as ours draws the dark."""
    from scipy.special import erf

    rng = np.random.Generator(np.random.SFC64(seed))
    light = np.full(flat.shape, SKY, np.float32)
    scale = 2 * np.sqrt(np.log(2)) / FWHM
    for x, y, flux in zip(stars.x, stars.y, stars.flux, strict=True):
        rows, columns = (np.arange(max(round(at) - HALF, 0), min(round(at) + HALF + 1, size))
                         for at, size in zip((y, x), flat.shape, strict=True))  # fmt: skip
        across, along = (
            (erf((place - at + 0.5) * scale) - erf((place - at - 0.5) * scale)) / 2
            for place, at in ((columns, x), (rows, y))
        )
        light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += flux * along[:, None] * across
    light *= flat
    if not apart:
        light += np.float32(DARK)
    adu = rng.poisson(light).astype(np.float32)
    if apart:
        adu += rng.poisson(DARK, flat.shape)
    noise = rng.standard_normal(flat.shape, dtype=np.float32)
    noise *= np.float32(READ_NOISE)
    adu += noise
    adu /= np.float32(GAIN)
    adu += np.float32(BIAS)
    return digitized(adu)


def with_galsim(flat: Image, stars: Stars, seed: int) -> Image:
    """Simulate with galsim: stars drawn by photon-free convolution with the pixel, noise by its own generators."""
    import galsim

    image = galsim.ImageF(flat.shape[1], flat.shape[0], xmin=0, ymin=0)
    for x, y, flux in zip(stars.x, stars.y, stars.flux, strict=True):
        nearest = galsim.PositionI(round(x), round(y))
        offset = galsim.PositionD(x - nearest.x, y - nearest.y)
        stamp = galsim.Gaussian(fwhm=FWHM, flux=flux).drawImage(
            nx=2 * HALF + 1, ny=2 * HALF + 1, scale=1.0, offset=offset, dtype=np.float32
        )
        stamp.setCenter(nearest)
        covered = stamp.bounds & image.bounds
        image[covered] += stamp[covered]
    image += SKY
    image.array[:] *= flat
    image += DARK
    rng = galsim.BaseDeviate(seed)
    image.addNoise(galsim.PoissonNoise(rng))
    image.addNoise(galsim.GaussianNoise(rng, sigma=READ_NOISE))
    image /= GAIN
    image += BIAS
    return digitized(image.array)


def with_photutils(flat: Image, stars: Stars, seed: int) -> Image:
    """Simulate with the data-set functions of photutils."""
    from astropy.table import QTable
    from photutils.datasets import apply_poisson_noise, make_model_image, make_noise_image
    from photutils.psf import CircularGaussianPRF

    table = QTable({"x_0": stars.x, "y_0": stars.y, "flux": stars.flux, "fwhm": np.full(stars.x.size, FWHM)})
    side = 2 * HALF + 1
    light = make_model_image(flat.shape, CircularGaussianPRF(), table, model_shape=(side, side))
    light = (light + SKY) * flat + DARK
    electrons = apply_poisson_noise(light, seed=seed)
    electrons += make_noise_image(flat.shape, mean=0, stddev=READ_NOISE, seed=seed + 1)
    return digitized(electrons / GAIN + BIAS)


def contests(options: Options) -> Iterator[Contest]:
    """Yield one contest: a whole frame, scene included."""
    side = 256 if options.quick else 4096
    detector = Detector.single((side, side))
    flat = np.random.default_rng(1).normal(1, 0.01, (side, side)).astype(np.float32)
    stars = Stars.random(STARS, shape=(side, side), flux=(100, 1e5), seed=3, fwhm=FWHM)
    scene = Scene([Sky(SKY), stars])
    effects = [Flat(flat), ShotNoise(), Dark(DARK), ReadNoise(READ_NOISE), Gain(GAIN), Bias(BIAS), ADC()]
    chain = SignalChain(effects, detector=detector)
    electrons = scene.render((side, side)) * flat + np.float32(DARK)
    mean = electrons / np.float32(GAIN) + np.float32(BIAS)
    spread2 = (electrons + np.float32(READ_NOISE**2)) / np.float32(GAIN**2) + np.float32(1 / 12)

    def judge(name: str, frame: Image) -> Agreement:  # noqa: ARG001
        inside = mean < 65000
        left = (frame.astype(np.float32) - mean)[inside]
        chi2 = float((left * left / spread2[inside]).mean(dtype=np.float64))
        offset = float(left.mean(dtype=np.float64))
        right = abs(chi2 - 1) < 0.01 + 8 / side and abs(offset) < 0.01 + 8 * 9 / side
        return Agreement(f"chi2 a pixel {chi2:.4f}, mean off by {offset:+.4f} ADU", float(right))

    yield Contest(
        work="simulating",
        title=f"Simulating one frame of {side} x {side}",
        about=f"{STARS} stars on {SKY:g} e- of sky to uint16, in memory; ours starts from the scene as all do.",
        rivals=[
            Function("fullwell", lambda: chain.expose(scene, 1.0, seed=1).frame.data),
            Function("numpy", lambda: with_numpy(flat, stars, 1), of_python("numpy")),
            Function("numpy, dark apart", lambda: with_numpy(flat, stars, 1, apart=True), of_python("numpy")),
            if_found(of_python("galsim"), Function("galsim", lambda: with_galsim(flat, stars, 1))),
            if_found(of_python("photutils"), Function("photutils", lambda: with_photutils(flat, stars, 1))),
        ],
        rounds=3,
        targets=[
            Target("NumPy (SFC64, float32)", over="numpy", under="fullwell", measure="cpu", at_least=6),
            Target("galsim", over="galsim", under="fullwell", measure="cpu", at_least=7),
            Target("photutils", over="photutils", under="fullwell", measure="cpu", at_least=7),
            Target("ours is the expected frame", over="fullwell", measure="agreement", at_least=1),
        ],
        judge=judge,
    )


if __name__ == "__main__":
    main(contests)

"""Correcting one frame in memory: bias, dark, flat and gain, with variance and flags, beside ccdproc and a copy.

One 16-bit frame of 4096 x 4096 and three masters with their noise. Our images of offsets, scales and the noise of
the masters are made at the first frame and serve all others of a night; so it is measured here, and the first frame
is told apart. ccdproc gets its masters with uncertainties and does the same steps; it treats the masters as if their
noise were independent, so that values are compared and variances are not. The copy copies each array that goes in
and each that comes out, once, with as many threads as the loops have.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from astropy import units as u
from harness import Agreement, Contest, Function, Options, Target, compare, main
from peers import if_found, of_python

GAIN, NOISE, SECONDS, DARK_SECONDS = 1.6, 6.4, 120.0, 300.0


def images(side: int) -> dict[str, Any]:
    """Masters as arrays, and a raw frame."""
    random = np.random.default_rng(3)

    def normal(mean: float, spread: float) -> Any:
        row = random.normal(mean, spread, side * 16).astype(np.float32)
        return np.stack([np.roll(row, 37 * y)[:side] for y in range(side)])

    flat = normal(1, 0.02)
    flat /= flat.mean(dtype=np.float64)  # as ccdproc does
    return {
        "bias": normal(1000, 5), "dark": normal(1030, 6), "flat": flat,
        "bias variance": abs(normal(1.6, 0.1)), "dark variance": abs(normal(6, 0.3)),
        "flat variance": abs(normal(4e-6, 2e-7)),
        "raw": np.rint(normal(2500, 40)).astype(np.uint16),
    }  # fmt: skip


def our_call(parts: dict[str, Any]) -> tuple[Any, Any]:
    """Return what makes a new chain, of further effects if wanted, and the frame."""
    from fullwell import ADC, Bias, Dark, Flat, Gain, ReadNoise, ShotNoise, SignalChain
    from fullwell.effects.dark import DarkLevel
    from fullwell.frame import Frame, Shared

    bias = Bias(structure=parts["bias"], variance=parts["bias variance"], read_noise=(4.0,), count=10, id="b")
    level = DarkLevel(DARK_SECONDS, parts["dark"] - parts["bias"], parts["dark variance"], 10, "d")
    dark = Dark(levels=(level,), shared={"b": Shared(-1.0, 1.6)}, unit=u.adu, applied=("bias",))
    masters = {"b": Shared(-3e-5, 1.6), "d": Shared(-1e-6, 6.0)}
    flat = Flat(parts["flat"], variance=parts["flat variance"], shared=masters, id="f", count=10,
                applied=("bias", "dark"))  # fmt: skip

    def chain(*further: Any) -> SignalChain:
        others = ADC(), Gain(GAIN), ShotNoise(), ReadNoise(NOISE, digitized=True)
        return SignalChain([bias, dark, flat, *others, *further])

    return chain, Frame(parts["raw"], exposure_time=SECONDS)


def ccdproc_call(parts: dict[str, Any]) -> Any:
    """Return a call of ``ccd_process`` that does the same."""
    import ccdproc
    from astropy.nddata import CCDData, StdDevUncertainty

    def master(name: str, seconds: float, data: Any = None) -> CCDData:
        spread = StdDevUncertainty(np.sqrt(parts[f"{name} variance"]))
        unit = u.dimensionless_unscaled if name == "flat" else u.adu
        return CCDData(
            parts[name] if data is None else data, uncertainty=spread, unit=unit, meta={"exptime": seconds}
        )

    masters = {
        "master_bias": master("bias", 0.0),
        "dark_frame": master("dark", DARK_SECONDS, parts["dark"] - parts["bias"]),
        "master_flat": master("flat", 1.0),
    }
    raw = parts["raw"].astype(np.float32)

    def call() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = CCDData(raw, unit=u.adu, meta={"exptime": SECONDS})
            return ccdproc.ccd_process(
                frame, error=True, gain=GAIN * u.electron / u.adu, readnoise=NOISE * u.electron,
                gain_corrected=False, exposure_key="exptime", exposure_unit=u.s, dark_scale=True,
                **masters,
            )  # fmt: skip

    return call


def copy_call(arrays: list[Any]) -> Any:
    """Return a call that copies arrays, in blocks, with the threads of the loops."""
    from fullwell.kernels.pool import over_blocks

    there = [np.zeros_like(array) for array in arrays]
    rows = range(0, len(arrays[0]), 128)
    blocks = [(a, b, slice(y, y + 128)) for a, b in zip(arrays, there, strict=True) for y in rows]
    return lambda: over_blocks(lambda block: np.copyto(block[1][block[2]], block[0][block[2]]), blocks)


def agree(name: str, ours: Any, theirs: Any) -> Agreement | None:
    """Compare values; a thousandth of an electron, of 2000, since single precision is used on both sides."""
    if theirs is None or name.startswith(("copy", "fullwell")):
        return None
    return compare(
        ours.data, np.asarray(theirs.data) * (1.0 if theirs.unit == u.electron else GAIN), within=1e-3
    )


def contests(options: Options) -> Iterator[Contest]:
    from fullwell import NonLinearity
    from fullwell.effects.curves import Polynomial

    side = 512 if options.quick else 4096
    parts = images(side)
    chain, frame = our_call(parts)
    used, bent = chain(), chain(NonLinearity(Polynomial((-1e-7,), limit=1e5)))
    done = used.correct(frame)
    inputs = [parts["raw"], frame.flags, *(np.ones((side, side), np.float32) for _ in range(6))]
    arrays = [*inputs, np.zeros_like(frame.flags), done.data, done.variance, done.flags]
    peer = if_found(of_python("ccdproc"), Function("ccdproc ccd_process", lambda: None, rounds=2))
    rivals = [
        Function("fullwell", lambda: used.correct(frame), before=lambda: used.correct(frame)),
        Function(
            "fullwell, with non-linearity",
            lambda: bent.correct(frame),
            before=lambda: bent.correct(frame),
        ),
        Function("fullwell, first frame of a night", lambda: chain().correct(frame)),
        Function("copy of the same arrays", copy_call(arrays)),
        Function(peer.name, ccdproc_call(parts), peer.version, rounds=2)
        if isinstance(peer, Function)
        else peer,
    ]
    yield Contest(
        work="correct",
        title="Correcting one frame in memory",
        about=f"{side} x {side} uint16; bias, dark, flat, gain; data, variance and flags come out",
        rivals=rivals,
        targets=[
            Target(
                "against a copy of the same arrays",
                over="fullwell",
                under="copy of the same arrays",
                at_most=1.2,
            ),
            Target("ccdproc against fullwell", over="ccdproc ccd_process", under="fullwell", at_least=40),
        ],
        agree=agree,
    )


if __name__ == "__main__":
    main(contests)

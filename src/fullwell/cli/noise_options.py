"""The noise of one frame, from options of the command line and the header of the first file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fullwell.errors import ParameterError

if TYPE_CHECKING:
    from fullwell.combining import NoiseModel
    from fullwell.io import FileSummary

__all__ = ["noise_model"]


def noise_model(
    path: Path,
    *,
    needed: bool,
    wanted: bool,
    read_noise: float | None,
    gain: float | None,
    pedestal: float,
) -> NoiseModel | None:
    """Return the noise in the unit of the data.

    Parameters
    ----------
    path : Path
        A file whose header says what no option does.
    needed, wanted : bool
        Whether nothing can be done without a model or variances; whether a model is used if there is one.
    read_noise : float, optional
        Electrons.
    gain : float, optional
        e-/ADU.
    pedestal : float
        Level without light, in the unit of the data.

    Returns
    -------
    NoiseModel or None
        None if it is not known, and no option asks for one.

    Raises
    ------
    ParameterError
        If an option is impossible or would have no effect, or a model that is needed is not known.
    """
    given = {"--read-noise": read_noise, "--gain": gain, "--pedestal": pedestal or None}
    asked = {name: value for name, value in given.items() if value is not None}
    for name, value in asked.items():
        if not math.isfinite(value):
            raise ParameterError(name, value, "a finite number")
    if not (asked or wanted):
        return None
    from fullwell.combining import NoiseModel
    from fullwell.io import scan

    summary = scan(path)
    known, missing = _known(summary, read_noise=read_noise, gain=gain)
    if not missing:
        return NoiseModel(known["--read-noise"] / known["--gain"], known["--gain"], pedestal)
    why = "; ".join(f"{name}: {rule}" for name, rule in missing.items())
    lack = f"a noise model needs {' and '.join(missing)}, not known from {path} ({why}); give what is missing"
    if asked:
        name, value = next(iter(asked.items()))
        raise ParameterError(name, value, f"{lack}, or leave out {name}")
    if needed and "UNCERT" not in summary.planes:
        raise ParameterError("--spread", "noise", f"{lack}, or use --spread std or mad")
    return None


def _known(
    summary: FileSummary, *, read_noise: float | None, gain: float | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return numbers by option, and for those that are missing what the header says."""
    from astropy import units as u

    from fullwell.io.dialects import translate

    header = translate(summary.header)
    if summary.unit == u.electron:
        if gain not in (None, 1.0):
            raise ParameterError("--gain", gain, f"{summary.path} is in electrons already; leave out --gain")
        gain = 1.0
    known: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, value, card in (("--read-noise", read_noise, header.read_noise), ("--gain", gain, header.gain)):
        known[name] = card.value if value is None else value
        if known[name] is None:
            missing[name] = card.rule
    return known, missing

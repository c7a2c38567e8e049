"""The curve as a table, and the numbers for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fullwell.photon_transfer.fits import AmplifierFit
from fullwell.photon_transfer.least_squares import covariance_errors
from fullwell.photon_transfer.models import make_model

if TYPE_CHECKING:
    from astropy.table import Table

    from fullwell.photon_transfer.transfer import PhotonTransfer

__all__ = ["curve_table", "predicted", "summary"]


def predicted(fit: AmplifierFit, model: str, mean: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return C_ij of the fitted model, ADU^2, at means in ADU; shape (points, lags, lags)."""
    lags = fit.matrix("a")[0].shape[0]
    b_lags = math.isqrt(sum(name.startswith("c_") for name in fit.names))
    chosen = make_model(model, lags=lags, b_lags=b_lags)
    gain = fit.values[0]
    k = chosen.covariances(fit.values[1:], gain * mean) / gain**2
    return np.asarray(k.reshape(len(mean), lags, lags))


def curve_table(fits: Sequence[AmplifierFit], model: str) -> Table:
    """Return one row a point: what was measured, what the model says, and whether it was used.

    Columns: ``amplifier``, ``pair`` (the two frames), ``mean`` (ADU), ``variance``, ``variance_error`` (from
    the model), ``model`` (ADU^2), ``used``, ``reason``.
    """
    from astropy.table import Table, vstack

    parts = []
    for fit in fits:
        curve = fit.curve
        expected = predicted(fit, model, curve.mean)[:, 0, 0]
        errors = covariance_errors(expected, curve.counts.reshape(len(expected), -1))[:, 0]
        parts.append(
            Table(
                {
                    "amplifier": [curve.amplifier] * len(expected),
                    "pair": list(curve.pairs),
                    "mean": curve.mean,
                    "variance": curve.variance,
                    "variance_error": errors,
                    "model": expected,
                    "used": curve.used,
                    "reason": list(curve.reasons),
                },
                units={"mean": "adu", "variance": "adu2", "variance_error": "adu2", "model": "adu2"},
            )
        )
    return vstack(parts)


def summary(transfer: PhotonTransfer, *, sign: str) -> dict[str, Any]:
    """Return plain numbers, lists and texts."""
    gain, noise, well, bf = (
        transfer.gain,
        transfer.read_noise,
        transfer.full_well,
        transfer.brighter_fatter,
    )
    amplifiers = []
    for k, fit in enumerate(transfer.amplifiers):
        reasons = [reason for reason in fit.curve.reasons if reason]
        amplifiers.append(
            {
                "name": fit.curve.amplifier,
                "gain": _number(gain.value[k]),
                "gain_error": _number(gain.error[k]),
                "read_noise": _number(noise.value[k]),
                "read_noise_error": _number(noise.error[k]),
                "a00": _number(bf.a00[k]),
                "a00_error": _number(bf.a00_error[k]),
                "b00": _number(bf.b[k, 0, 0]),
                "b00_error": _number(bf.b_error[k, 0, 0]),
                "a_sum": _number(bf.a_sum[k]),
                "a_sum_error": _number(bf.a_sum_error[k]),
                "full_well": _number(well.value[k]),
                "full_well_error": _number(well.error[k]),
                "full_well_is_lower_limit": bool(well.lower_limit[k]),
                "chi2": _number(fit.chi2),
                "degrees_of_freedom": int(fit.degrees),
                "points": len(fit.curve.reasons),
                "points_used": int(fit.curve.used.sum()),
                "not_used": {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)},
                "trouble": fit.trouble or None,
            }
        )
    return {
        "model": transfer.model,
        "max_signal": transfer.max_signal,
        "units": {
            "gain": "electron/adu",
            "read_noise": "electron",
            "a": "1/electron",
            "full_well": "electron",
        },
        "sign": sign,
        "unpaired": list(transfer.unpaired),
        "amplifiers": amplifiers,
    }


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None

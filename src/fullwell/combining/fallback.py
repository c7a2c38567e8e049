"""Whether inputs allow what is asked for, and what is done where the noise model does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import attrs
import numpy as np

from fullwell.combining.inputs import Inputs
from fullwell.combining.options import Options
from fullwell.errors import NotEnoughFrames, ParameterError

__all__ = ["MODEL_LIMIT", "check_inputs", "with_fallback"]

MODEL_LIMIT = 0.01  # of a frame's pixels; above it the noise model does not hold


class _Clipped(Protocol):
    @property
    def rejected_fraction(self) -> tuple[float, ...]: ...


_Result = TypeVar("_Result", bound=_Clipped)


def with_fallback(
    inputs: Inputs, options: Options, run: Callable[[Options], _Result]
) -> tuple[_Result, tuple[str, ...]]:
    """Combine; once more, in units of the scatter, where the noise model turns out not to hold.

    Parameters
    ----------
    run : callable
        Combines by the options it is given.

    Returns
    -------
    result : what `run` returns
    remarks : tuple of str
        See `Combined`.
    """
    result = run(options)
    remarks: list[str] = []
    if options.clip is not None and options.spread == "noise" and max(result.rejected_fraction) > MODEL_LIMIT:
        worst = int(np.argmax(result.rejected_fraction))
        remarks.append(
            f"{100 * result.rejected_fraction[worst]:.1f} % of frame {inputs.names[worst]} lie outside "
            "of the noise model, which does not hold for this stack; clipped in units of the scatter "
            "(std) instead"
        )
        del result  # or its planes would count twice against the memory
        options = attrs.evolve(options, spread="std")
        result = run(options)
    toothless = options.toothless(len(inputs))
    remarks += [toothless] if toothless else []
    return result, tuple(remarks)


def check_inputs(options: Options, inputs: Inputs) -> None:
    """Check that what is asked for can be done with these frames.

    Raises
    ------
    NotEnoughFrames, ParameterError
        As for `combine`.
    """
    if sum(options.extrema) >= len(inputs):
        raise NotEnoughFrames(f"dropping {sum(options.extrema)} values of {len(inputs)} leaves nothing")
    if options.clip is None or options.spread != "noise":
        return
    if options.noise is None and inputs.variance is None:
        raise ParameterError(
            options.words.spread,
            "noise",
            f"only with {options.words.model} or frames that have a variance; else 'std' or 'mad'",
        )

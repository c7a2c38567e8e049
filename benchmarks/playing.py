"""The simulator to play with: from a moved slider to frame and histogram, for each switch.

A slider that is dragged makes one frame after the other, so what is measured is a frame whose parts that did not change
are kept from the last one, and a new one where the strength of the switch itself is dragged.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from harness import Contest, Function, Options, Target, main

from fullwell.simulation.playground import Play, Playground
from fullwell.simulation.playground_controls import SWITCHES, Settings


def contests(options: Options) -> Iterator[Contest]:
    """Yield two contests: other noise with each switch on, and the strength of each switch dragged."""
    playground = Playground()
    noise = itertools.count()
    names = list(SWITCHES)[::8] if options.quick else list(SWITCHES)

    def again(values: dict[str, float]) -> Callable[[], Play]:
        return lambda: playground.take(Settings.of(values | {"noise": next(noise)}))

    def dragged(name: str) -> Callable[[], Play]:
        control = SWITCHES[name]
        places = itertools.cycle(np.linspace(0.5, 1, 97) * control.value)
        return lambda: playground.take(Settings.of({name: max(float(next(places)), control.minimum)}))

    def bright() -> Play:
        return playground.take(Settings.of({"brighter_fatter": 3, "sky": 1000, "noise": next(noise)}))

    everything = {name: control.value for name, control in SWITCHES.items()}
    yield Contest(
        work="playing",
        title="A frame of 500 x 500 and its histogram, one switch on",
        about="Exposure, other noise in each; stars, maps and dark current are kept from the frame before.",
        rivals=[
            Function("sliders only", again({})),
            *(Function(name, again({name: SWITCHES[name].value})) for name in names),
            Function("brighter_fatter, 30 000 e-", bright),
            Function("all switches", again(everything)),
        ],
        rounds=5,
        targets=[Target(name, over=name, at_most=0.1) for name in ("sliders only", *names)],
    )
    yield Contest(
        work="dragging",
        title="The same while the strength of a switch is dragged",
        about="Another strength in each frame, so that the map of that switch is made anew.",
        rivals=[Function("sliders only", again({})), *(Function(name, dragged(name)) for name in names)],
        rounds=5,
    )


if __name__ == "__main__":
    main(contests)

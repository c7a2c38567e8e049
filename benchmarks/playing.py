"""The simulator to play with: from a moved slider to frame and histogram, for each switch.

A slider that is dragged makes one frame after the other, so what is measured is a frame whose parts that did not change
are kept from the last one, and a new one where the strength of the switch itself is dragged.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from harness import Contest, Function, Options, Target, main

from fullwell.simulation.playground import Play, Playground
from fullwell.simulation.playground_controls import SWITCHES, Settings

SLOWEST = 5


def contests(options: Options) -> Iterator[Contest]:
    """Yield two contests of the slowest switches: other noise in each frame, and their strength dragged."""
    playground = Playground()
    noise = itertools.count()
    names = list(SWITCHES)[::8] if options.quick else list(SWITCHES)

    def again(values: dict[str, float]) -> Callable[[], Play]:
        return lambda: playground.take(Settings.of(values | {"noise": next(noise)}))

    def switched(name: str) -> Callable[[], Play]:
        return again({name: SWITCHES[name].value})

    def dragged(name: str) -> Callable[[], Play]:
        control = SWITCHES[name]
        places = itertools.cycle(np.linspace(0.5, 1, 97) * control.value)
        return lambda: playground.take(Settings.of({name: max(float(next(places)), control.minimum)}))

    everything = {name: control.value for name, control in SWITCHES.items()}
    slow = slowest(names, switched)
    yield Contest(
        work="playing",
        title="A frame of 500 x 500 and its histogram, one switch on",
        about="Exposure, other noise in each; stars, maps and dark current are kept from the frame before. These are "
        f"the slowest {len(slow)} of {len(names)} switches by CPU, and all at once.",
        rivals=[
            Function("sliders only", again({})),
            *(Function(name, switched(name)) for name in slow),
            Function("brighter_fatter, 30 000 e-", again({"brighter_fatter": 3, "sky": 1000})),
            Function("all switches", again(everything)),
        ],
        rounds=11,
        targets=[
            Target(f"{name}, seconds", over=name, at_most=0.1)
            for name in ("sliders only", *slow, "brighter_fatter, 30 000 e-")
        ],
    )
    slow = slowest(names, dragged)
    yield Contest(
        work="dragging",
        title="The same while the strength of a switch is dragged",
        about="Another strength in each frame, so that the map of that switch is made anew; the slowest "
        f"{len(slow)} of {len(names)} switches.",
        rivals=[Function("sliders only", again({})), *(Function(name, dragged(name)) for name in slow)],
        rounds=11,
        targets=[Target(f"{name}, seconds", over=name, at_most=0.1) for name in slow],
    )


def slowest(names: Sequence[str], way: Callable[[str], Callable[[], Play]]) -> list[str]:
    """Return the switches that take most CPU in one of several frames, the slowest first."""

    def least_seconds(name: str) -> float:
        take = way(name)
        take()  # what is loaded at first, and kept
        return min(cpu_seconds_of(take) for _ in range(2))

    return sorted(names, key=least_seconds, reverse=True)[:SLOWEST]


def cpu_seconds_of(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main(contests)

"""A chart of all targets: how many times faster than each peer, and how near to what is unavoidable."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from records import Record, Target

__all__ = ["draw"]

OURS, MISSED, PLAIN, GOAL = "#2a6f97", "#c8553d", "#9db4c0", "#222222"


@attrs.frozen
class Bar:
    """One ratio with quartiles and what it should be."""

    label: str
    ratio: tuple[float, float, float]
    target: Target


def draw(records: Sequence[Record], path: Path) -> bool:
    """Draw all ratios that were measured to ``path``; return whether there was any, and a drawing library."""
    try:
        import matplotlib
        from PIL import Image
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    faster, limits = bars(records, limits=False), bars(records, limits=True)
    panels = [
        (group, title)
        for group, title in (
            (faster, "times faster than the peer: longer is better; black: target"),
            (
                limits,
                "times the cost of what cannot be avoided: shorter is better; black: ceiling",
            ),
        )
        if group
    ]
    if not panels:
        return False
    sizes = [len(group) + 1.5 for group, _ in panels]
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(9, 0.27 * sum(sizes) + 1),
        height_ratios=sizes,
        squeeze=False,
        layout="constrained",
    )
    for axis, (group, title) in zip(axes[:, 0], panels, strict=True):
        draw_panel(axis, group)
        axis.set_xlabel(title, size=9, loc="right")
    quick = any(record.quick for record in records)
    title = "Small sizes: these numbers mean nothing" if quick else "fullwell beside its peers"
    figure.suptitle(title + "; blue: reached, red: missed, gray: without a target", size=10)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=100)
    # A few colors are enough, and a third of the bytes.
    Image.open(drawn).convert("RGB").quantize(48).save(path, optimize=True)
    plt.close(figure)
    return True


def bars(records: Sequence[Record], *, limits: bool) -> list[Bar]:
    """Return the ratios with a ceiling (``limits``), or all others."""
    found = []
    for record in records:
        for target in record.targets:
            if target.under is None or (target.at_most is not None) != limits:
                continue
            ratios = record.ratios(target.over, target.under, target.measure)
            if ratios.size:
                low, middle, high = np.percentile(ratios, (25, 50, 75))
                label = f"{record.work.replace('-', ' ').replace('_', '.')}: {target.text}" + {
                    "cpu": " (CPU)"
                }.get(target.measure, "")
                found.append(Bar(label, (float(low), float(middle), float(high)), target))
    return found


def draw_panel(axis: Any, group: Sequence[Bar]) -> None:
    """Draw bars from 1, their quartiles, the numbers, and a line where the target is."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for place, bar in enumerate(group):
        low, middle, high = bar.ratio
        color = PLAIN if not bar.target.limited else OURS if bar.target.reached(middle) else MISSED
        axis.barh(place, middle - 1, left=1, height=0.62, color=color)
        axis.plot([low, high], [place, place], color=GOAL, lw=1.2, solid_capstyle="butt")
        goal = bar.target.at_most if bar.target.at_least is None else bar.target.at_least
        if goal is not None:
            axis.plot([goal, goal], [place - 0.42, place + 0.42], color=GOAL, lw=2)
        # Beside the bar, but not on the line of the target.
        edge = max(high, 1.0)
        edge = goal if goal is not None and edge < goal < 1.6 * edge else edge
        axis.annotate(f"{middle:.3g}", (edge, place), (5, 0), textcoords="offset points", va="center", size=8)
    edge = max(max(bar.ratio[2], bar.target.at_least or 0, bar.target.at_most or 0) for bar in group)
    least = min(min(bar.ratio[0], 1.0) for bar in group)
    axis.set_xscale("log")
    axis.set_xlim(least / 1.1, edge * (edge / least) ** 0.1)
    ticks = [n * 10.0**power for power in range(-3, 5) for n in (1, 2, 5)]
    axis.set_xticks([tick for tick in ticks if axis.get_xlim()[0] <= tick <= axis.get_xlim()[1]])
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.axvline(1, color=GOAL, lw=0.8)
    axis.set_yticks(range(len(group)), [bar.label for bar in group], size=8)
    axis.set_ylim(len(group) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)

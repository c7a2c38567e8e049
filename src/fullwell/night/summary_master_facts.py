"""Key numbers of each kind of master, in words and units for the report."""

from __future__ import annotations

from collections.abc import Sequence

from fullwell.night.summary_parts import DARK_RULES, Row, fixed, number, percent, plural
from fullwell.report import Code, Fact

__all__ = ["FEW_AMPLIFIERS", "master_facts", "most_rejected", "scatter"]

#: Up to so many amplifiers have their read noise among the facts; more make a table.
FEW_AMPLIFIERS = 2


def master_facts(master: Row) -> tuple[Fact, ...]:
    """Return the key numbers of a master, and what was taken out of its frames and why."""
    special = {"bias": _bias_facts, "dark": _dark_facts, "flat": _flat_facts, "defects": _defect_facts}
    facts = special[master["kind"]](master)
    if most_rejected(master) is not None:
        facts.append(
            Fact(
                "Rejected",
                percent(most_rejected(master), unit="%"),
                source="of the frame that lost most pixels",
            )
        )
    if scatter(master) is not None:
        source = "variance found over variance predicted; 1 where the noise is understood"
        facts.append(Fact("Scatter / model", fixed(scatter(master), 3), source=source))
    if master.get("masked_fraction") is not None:
        facts.append(Fact("Masked", percent(master["masked_fraction"], 3, unit="%"), source="of the pixels"))
    return (*facts, *_choices(master))


def _choices(master: Row) -> list[Fact]:
    """Say what was taken out of the frames of a master, and why that."""
    facts = []
    for sentence in master["why"]:
        kind, _, why = str(sentence).partition(": ")
        name = master.get(kind) if kind in ("bias", "dark") else None
        none = "none; it is still in the dark" if kind == "bias" and master.get("bias_included") else "none"
        facts.append(
            Fact(f"{kind.capitalize()} used", Code(name) if name else none, source=why.removeprefix("none; "))
        )
    return facts


def _bias_facts(master: Row) -> list[Fact]:
    noises, errors = master["read_noise"], master["read_noise_error"]
    few = noises if len(noises) <= FEW_AMPLIFIERS else ()
    facts = [
        Fact(
            "Level", fixed(master["median"], 2, unit="ADU"), source="median, without what the overscan holds"
        )
    ]
    for i, noise in enumerate(few):
        name = "Read noise" if len(noises) == 1 else f"Read noise, amplifier {i + 1}"
        error = errors[i] if i < len(errors) else None
        facts.append(Fact(name, noise, "ADU", error, "from differences of frames"))
    offsets = master["level_offsets"]
    facts.append(
        Fact("Structure", number(master["std"], 3, unit="ADU"), source="standard deviation of the master")
    )
    if offsets:
        drift = number(max(offsets) - min(offsets), 3, unit="ADU")
        facts.append(Fact("Drift of the level", drift, source="highest minus lowest frame"))
    return facts


def _dark_facts(master: Row) -> list[Fact]:
    one = len(master.get("levels") or []) == 1
    facts = [
        Fact(
            "Dark current",
            number(master.get("rate_median"), 4, unit="ADU/s"),
            source="median of the rate image",
        )
    ]
    if master.get("offset_median") is not None:
        facts.append(
            Fact(
                "Offset",
                number(master["offset_median"], 4, unit="ADU"),
                source="median of what does not grow with time",
            )
        )
    if master.get("line_rate") is not None:
        rate, offset = (
            number(master["line_rate"], 4, unit="ADU/s"),
            number(master["line_offset"], 4, unit="ADU"),
        )
        facts.append(Fact("Line, slope", rate, source="through the median levels, each length counted once"))
        facts.append(Fact("Line, offset", offset, source="of the same line, at time 0"))
    if one:
        level = master["levels"][0]
        facts.append(
            Fact("Level", number(level["median"], 4, unit="ADU"), source=f"median, in {level['time']:g} s")
        )
    source = f"above {master['hot_threshold']:.1f} ADU in {master['hot_time']:g} s"
    facts.append(Fact("Hot pixels", master["hot_pixels"], source=source))
    if master.get("read_noise") is not None and master["bias_included"]:
        facts.append(
            Fact("Noise", number(master["read_noise"], 4, unit="ADU"), source="from differences of darks")
        )
    return facts


def _flat_facts(master: Row) -> list[Fact]:
    levels: Sequence[float] = master.get("frame_levels") or []
    facts = [Fact("Level", number(master["counts"], 5, unit="ADU"), source="median above bias and dark")]
    if levels and min(levels) > 0:
        drift = number(100 * (max(levels) / min(levels) - 1), 2, unit="%")
        facts.append(Fact("Drift of the lamp", drift, source="brightest over faintest frame"))
    facts.append(
        Fact(
            "Structure", number(100 * master["std"], 3, unit="%"), source="standard deviation of the response"
        )
    )
    rules = ", ".join(DARK_RULES.get(rule, rule) for rule in master["dark_rules"])
    return [*facts, Fact("Dead pixels", master["dead_pixels"]), Fact("Dark subtracted", rules or "none")]


def _defect_facts(master: Row) -> list[Fact]:
    counts = sorted((master.get("counts") or {}).items())
    facts = [Fact(f"{name.capitalize().replace('_', ' ')} pixels", count) for name, count in counts]
    return [
        *facts,
        Fact("United from", plural(master["count"], "master"), source="darks and flats of this camera"),
    ]


def most_rejected(master: Row) -> float | None:
    """Return the fraction of its pixels that the frame with most rejected ones lost; None if not known."""
    known = [fraction for fraction in master.get("rejected_fraction") or [] if fraction is not None]
    return max(known, default=None)


def scatter(master: Row) -> float | None:
    """Variance found over predicted; of a dark that of the length where it is farthest from one."""
    if master.get("empirical_to_predicted") is not None:
        return float(master["empirical_to_predicted"])
    known = [level.get("empirical_to_predicted") for level in master.get("levels") or []]
    return max(
        (float(ratio) for ratio in known if ratio is not None), key=lambda ratio: abs(ratio - 1), default=None
    )

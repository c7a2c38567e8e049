"""Everything of a night that somebody should look at, as rows of severity, subject and text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fullwell.night.context import Context
from fullwell.night.gains import DISAGREE
from fullwell.night.recipes import Recipes
from fullwell.sorting import SetAside, Sorted

__all__ = ["gain_warnings", "warnings_of"]

SCATTER = 0.15  # of the predicted variance
NOISE = (0.8, 1.3)  # of the predicted noise; fine structure of the sky adds to what is found
MASKED = 0.01


def warnings_of(
    found: Sorted,
    set_aside: Sequence[SetAside],
    recipes: Recipes,
    products: Iterable[Mapping[str, Any]],
    gains: Iterable[Mapping[str, Any]],
    context: Context,
) -> list[dict[str, str]]:
    """Gather all warnings and notes.

    Parameters
    ----------
    found : Sorted
    set_aside : sequence of SetAside
        Frames that are not used.
    recipes : Recipes
    products : iterable of mapping
        Rows of masters and calibrated frames.
    gains : iterable of mapping
        Rows of measured gains.
    context : Context

    Returns
    -------
    list of dict
        ``severity`` (``'note'``, ``'warning'`` or ``'error'``), ``subject``, ``text``.
    """
    return [
        *_frame_warnings(found, set_aside, context),
        *_product_warnings(found, recipes, products, gains),
    ]


def _frame_warnings(found: Sorted, set_aside: Sequence[SetAside], context: Context) -> list[dict[str, str]]:
    """Warn of what the look at the frames that are used brought up."""
    gone = {one.name for one in set_aside}
    used = [record for record in found.records if record.name not in gone]
    rows = []
    for record in used:
        missing = context.looks[record.content_hash].not_finite
        if missing:
            text = (
                f"{missing} pixels have no finite value (NaN, infinite or blank); they are flagged, not used"
            )
            rows.append({"severity": "warning", "subject": record.name, "text": text})
    strange = [record for record in used if not context.raw.fits_preset(record)]
    if context.raw.preset is not None and strange:
        text = (
            f"the geometry of {context.config.detector.preset} does not fit {len(strange)} of the frames, "
            "which were read without it"
        )
        rows.append({"severity": "warning", "subject": strange[0].name, "text": text})
    return rows


def _product_warnings(
    found: Sorted,
    recipes: Recipes,
    products: Iterable[Mapping[str, Any]],
    gains: Iterable[Mapping[str, Any]],
) -> list[dict[str, str]]:
    rows = [
        {"severity": "warning", "subject": ", ".join(remark.names[:3]), "text": remark.text}
        for remark in found.remarks
        if remark.severity == "warning"
    ]
    rows += [{"severity": "note", "subject": "", "text": remark} for remark in recipes.remarks]
    for product in products:
        name = str(product.get("raw") or product["name"])
        if product["status"] == "failed":
            rows.append({"severity": "error", "subject": name, "text": str(product["reason"])})
        for text in product.get("remarks", ()):
            serious = "does not hold" in text
            rows.append({"severity": "warning" if serious else "note", "subject": name, "text": text})
        texts = [*product.get("warnings", ()), *_doubts(product)]
        rows += [{"severity": "warning", "subject": name, "text": text} for text in texts]
    for row in gains:
        rows += gain_warnings(row)
    return rows


def _doubts(product: Mapping[str, Any]) -> list[str]:
    """Say what the numbers of a product have against it."""
    texts = []
    ratio = product.get("empirical_to_predicted")
    if ratio is not None and abs(ratio - 1) > SCATTER:
        texts.append(f"its frames scatter with {ratio:.2f} times the variance that the noise model predicts")
    ratio = product.get("noise_over_predicted")
    if ratio is not None and not NOISE[0] < ratio < NOISE[1]:
        texts.append(f"its pixels have {ratio:.2f} times the noise that its variance plane predicts")
    masked = product.get("masked_fraction")
    if masked is not None and masked > MASKED:
        texts.append(f"{100 * masked:.1f} % of its pixels are masked")
    return texts


def gain_warnings(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """Say where a gain could not be measured, or is not the one that was used; amplifiers in one sentence.

    Parameters
    ----------
    row : mapping
        What stands in the results of a gain.

    Returns
    -------
    list of dict
        None or one, as of `warnings_of`.
    """
    used = row["used"]
    trouble = row["reason"] or row.get("trouble")
    if trouble:
        text = f"the gain could not be measured: {trouble}"
        severity = "warning" if row["status"] == "failed" else "note"
        return [{"severity": severity, "subject": str(row["name"]), "text": text}]
    if not row.get("gain") or used is None or not used["values"]:
        return []
    values = list(used["values"]) * (len(row["gain"]) if len(used["values"]) == 1 else 1)
    apart = [
        (measured, told)
        for measured, told in zip(row["gain"], values, strict=False)
        if abs(measured / told - 1) > DISAGREE
    ]
    if not apart:
        return []
    measured, told = (_range(numbers) for numbers in zip(*apart, strict=True))
    where = f" on {len(apart)} of {len(row['gain'])} amplifiers" if len(row["gain"]) > 1 else ""
    text = (
        f"the flats say a gain of {measured} e-/ADU{where}, the {used['source']} {told}; the latter was used"
    )
    return [{"severity": "warning", "subject": str(row["name"]), "text": text}]


def _range(numbers: Sequence[float]) -> str:
    least, most = f"{min(numbers):.3f}", f"{max(numbers):.3f}"
    return least if least == most else f"{least} to {most}"

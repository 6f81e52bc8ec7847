"""Structure, locality and lesions of each pair of domains, with controls and verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Settings
from synthmed.evaluation.edits_values import STRUCTURE, ByImage
from synthmed.evaluation.sections import State
from synthmed.measures.edits.contrast import contrast_kept
from synthmed.measures.edits.estimates import mean_over_patients
from synthmed.measures.intervals import bootstrap_groups

FEWEST_PATIENTS = 4
KEPT_STRUCTURE, KEPT_LESIONS = 0.5, 0.8
"""Where the scale of structure, and the share of structures under masks, turn from good to bad."""

Groups = npt.NDArray[np.str_]
Mask = npt.NDArray[np.bool_]
Data = dict[str, Any]


def structure_of(values: ByImage, chosen: Mask, groups: Groups, settings: Settings) -> Data:
    """Structure kept by some pairs, beside both ends of the scale.

    Args:
        values: Of all pairs.
        chosen: (N,) the pairs.
        groups: (N,) patients of all pairs.
        settings: Seed and draws.

    Returns:
        `rows` (by "edits", "identity", "swapped" the mean of each measure), `kept` (the gradient
        correlation on the scale from 0, the edit of another patient, to 1, the source itself),
        `control` (the same of other patients' edits), `control_flagged` and `state`.
    """
    rows = {
        name: {
            key: _mean(values.structure[name][key][chosen], groups[chosen], settings)
            for key in STRUCTURE
        }
        for name in ("edits", "identity", "swapped")
    }
    kept = _on_scale(values, "edits", chosen, groups, settings)
    control = _on_scale(values, "swapped again", chosen, groups, settings)
    return {"rows": rows, **_verdict(kept, control, KEPT_STRUCTURE)}


def locality_of(values: ByImage, chosen: Mask, groups: Groups, settings: Settings) -> Data | None:
    """Where some pairs changed; None where none of them has a mask."""
    rows = chosen & values.masked
    if not rows.any():
        return None
    keys = ("inside", "outside", "share", "area")
    return {key: _mean(values.masks[key][rows], groups[rows], settings) for key in keys}


def lesions_of(values: ByImage, chosen: Mask, groups: Groups, settings: Settings) -> Data | None:
    """Whether what is masked in the sources still stands out in the edits.

    Returns:
        `masks` and `visible` (numbers), `before` and `after` (mean contrast), `kept` (the share
        of visible structures that keep half of their contrast), `identity` (1 by definition),
        `control` (the same with them filled by their surroundings), `control_flagged`, `state`;
        None where no source has a mask.
    """
    rows = chosen & values.masked
    if not rows.any():
        return None
    found, names = (
        {key: values.masks[key][rows] for key in ("before", "after", "filled")},
        groups[rows],
    )
    shares = {
        name: contrast_kept(found["before"], found[key])
        for name, key in (("kept", "after"), ("identity", "before"), ("control", "filled"))
    }
    means = {name: _mean(share, names, settings) for name, share in shares.items()}
    return {
        "masks": int(rows.sum()),
        "visible": int(np.isfinite(shares["kept"]).sum()),
        "before": _mean(found["before"], names, settings),
        "after": _mean(found["after"], names, settings),
        "identity": means["identity"],
        **_verdict(means["kept"], means["control"], KEPT_LESIONS),
    }


def _on_scale(
    values: ByImage, name: str, chosen: Mask, groups: Groups, settings: Settings
) -> Data | None:
    """Gradient correlation from 0 (another patient's edit) to 1 (the source itself)."""
    key = "gradient_correlation"
    columns = [values.structure[row][key][chosen] for row in (name, "swapped", "identity")]
    known = np.isfinite(columns).all(axis=0)
    arrays, names = [column[known] for column in columns], groups[chosen][known]

    def share(one: Any, other: Any, own: Any) -> float:
        length = float(np.mean(own) - np.mean(other))
        return float((np.mean(one) - np.mean(other)) / length) if length > 0 else float("nan")

    if len(set(names.tolist())) < FEWEST_PATIENTS:
        return None
    try:
        low, high = bootstrap_groups(share, arrays, names, settings.bootstraps, settings.seed)
    except SynthmedError:  # other patients' edits are as near as the source itself
        return None
    value = share(*arrays)
    return {"value": value, "low": low, "high": high, "n": len(names)}


def _verdict(kept: Data | None, control: Data | None, margin: float) -> Data:
    """Green above the margin, red below it; green only where the control is red."""
    flagged = control is not None and control["high"] < margin
    state: State = "grey"
    if kept is not None:
        state = "red" if kept["high"] < margin else "green" if kept["low"] >= margin else "amber"
        if state == "green" and not flagged:
            state = "amber"  # the test has no power to see a loss
    return {"kept": kept, "control": control, "control_flagged": flagged, "state": state}


def _mean(values: Any, groups: Groups, settings: Settings) -> Data | None:
    """A mean with its interval over patients; None where too few patients have a value."""
    known = np.isfinite(values)
    if len(set(groups[known].tolist())) < FEWEST_PATIENTS:
        return None
    found = mean_over_patients(values, groups, bootstraps=settings.bootstraps, seed=settings.seed)
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}

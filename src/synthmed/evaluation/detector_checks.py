"""Whether a detector's files are what they should be; they may come from anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures import forensics

_NEEDED = ("size", "features", "threshold", "unfamiliar_above", "kinds", "weights_sha256")
_SHAPES = {"mean": 1, "spread": 1, "weights": 1, "bias": 1, "centres": 2, "widths": 2}


def weights_digest(tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over names, shapes and values of all weights, in hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        x = np.ascontiguousarray(tensors[name])
        digest.update(f"{name} {x.shape} {x.dtype}".encode())
        digest.update(x.tobytes())
    return digest.hexdigest()


def check(card: dict[str, Any], tensors: Mapping[str, npt.NDArray[Any]], folder: Path) -> None:
    """Refuse weights of another hash, and a card and weights that do not fit."""
    if missing := [key for key in _NEEDED if key not in card]:
        raise SynthmedError(f"the detector's card lacks {', '.join(missing)}", where=folder)
    if weights_digest(tensors) != card["weights_sha256"]:
        raise SafetyError("weights are not those that the detector's card names", where=folder)
    if card["features"] != forensics.ID:
        raise SynthmedError(
            f"the detector looks at {card['features']}; this release has {forensics.ID}",
            where=folder,
            mend="Train it anew.",
        )
    if not _fits(card, tensors):
        raise SynthmedError("the detector's card and weights do not fit", where=folder)


def _fits(card: dict[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> bool:
    if set(tensors) != set(_SHAPES) or any(tensors[n].ndim != d for n, d in _SHAPES.items()):
        return False
    width = {tensors[name].shape[-1] for name in _SHAPES if name != "bias"}
    threshold = card["threshold"]
    numbers: Iterable[Any] = (
        card["size"],
        card["unfamiliar_above"],
        threshold.get("value") if isinstance(threshold, dict) else None,
    )
    return (
        len(width) == 1
        and tensors["bias"].shape == (1,)
        and _texts(card["kinds"])
        and _texts(card.get("training_groups", []))
        and len(tensors["centres"]) == len(tensors["widths"]) == len(card["kinds"]) > 0
        and all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
        and 16 <= card["size"] <= 4096
        and all(np.isfinite(x).all() for x in tensors.values())
        and bool((tensors["widths"] > 0).all() and (tensors["spread"] > 0).all())
    )


def _texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)

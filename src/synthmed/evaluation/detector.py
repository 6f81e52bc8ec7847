"""A detector of synthetic images: a linear probe of traces, in a folder of safetensors and JSON.

It holds averages and weights only, no image and no feature of a single image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from synthmed.errors import SynthmedError
from synthmed.evaluation.detector_checks import check, weights_digest
from synthmed.evaluation.detector_scores import logistic
from synthmed.imaging.writing import write_atomic
from synthmed.measures import forensics
from synthmed.measures.cross_fitting import joined
from synthmed.measures.linear_probe import scaled

FORMAT = 1
KIND = "synthmed detector"
CARD, WEIGHTS = "detector.json", "detector.safetensors"
_LARGEST = 64 << 20  # bytes of a file that is opened

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Detector:
    """A trained detector.

    Attributes:
        weights: "mean", "spread" and "weights" (D,), "bias" (1,) of the probe; "centres" and
            "widths" (K, D): mean and standard deviation of the scaled features of each type.
        card: What it was trained on and how well it does; all JSON values.
    """

    weights: Mapping[str, Array]
    card: dict[str, Any]

    @property
    def size(self) -> int:
        """Side of the frame that images are brought to, in pixels."""
        return int(self.card["size"])

    @property
    def kinds(self) -> tuple[str, ...]:
        """The image types that it was trained on."""
        return tuple(self.card["kinds"])

    @property
    def threshold(self) -> float:
        """Score from which an image counts as likely synthetic."""
        return float(self.card["threshold"]["value"])

    def scores(self, images: Any) -> tuple[Array, Array]:
        """Score images.

        Args:
            images: (N, 1 or 3, S, S) floats in [-1, 1], S being `size`.

        Returns:
            (N,) score from 0 (real) to 1 (synthetic): the logistic of the log-odds where both
            are equally frequent, not the probability for an image from anywhere. And (N,) how
            unlike the training images it is: the root mean square distance to the nearest
            type's mean, in its standard deviations.

        Raises:
            SynthmedError: Images of another size.
        """
        if np.shape(images)[-2:] != (self.size, self.size):
            raise SynthmedError(f"the detector takes {self.size} px, not {np.shape(images)[-2:]}")
        x = features_of(images)
        w = self.weights
        if x.shape[1] != len(w["weights"]):
            raise SynthmedError("the detector has weights for other features")
        z = scaled(x, w["mean"], w["spread"])
        scores = logistic(z @ w["weights"] + w["bias"][0])
        return scores, strangeness(z, w["centres"], w["widths"])

    def save(self, folder: Path) -> None:
        """Write the weights and then the card into a folder, each whole or not at all."""
        tensors = {name: np.ascontiguousarray(x, np.float64) for name, x in self.weights.items()}
        head = {"format": FORMAT, "kind": KIND, **self.card}
        head["weights_sha256"] = weights_digest(tensors)
        text = json.dumps(head, indent=1, ensure_ascii=False) + "\n"
        write_atomic(folder / WEIGHTS, save(tensors))
        write_atomic(folder / CARD, text.encode("utf-8", "backslashreplace"))

    @classmethod
    def load(cls, folder: Path) -> Detector:
        """Open a saved detector.

        Raises:
            SynthmedError: No detector there, or one of an unknown format.
            SafetyError: Weights that are not those that the card names.
        """
        try:
            for file in (folder / CARD, folder / WEIGHTS):
                if file.stat().st_size > _LARGEST:
                    raise SynthmedError("too large for a detector", where=file)
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            tensors = load_file(folder / WEIGHTS)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise SynthmedError(
                "no readable detector", where=folder, mend="Train one by synthmed detect --fit."
            ) from error
        if not isinstance(card, dict) or card.get("kind") != KIND or card.get("format") != FORMAT:
            found = card.get("format") if isinstance(card, dict) else None
            raise SynthmedError(
                f"a detector of format {found}; this release reads {FORMAT}",
                where=folder,
                mend="Train it anew, or install the release that made it.",
            )
        check(card, tensors, folder)
        return cls({name: np.asarray(x, np.float64) for name, x in tensors.items()}, card)


def features_of(images: Any) -> Array:
    """(N, D) traces of images, all groups side by side."""
    return joined(forensics.forensic_features(images))


def strangeness(z: Array, centres: Array, widths: Array) -> Array:
    """(N,) distance of scaled features (N, D) to the nearest type, in standard deviations."""
    pairs = zip(centres, widths, strict=True)
    each = [np.sqrt((((z - c) / w) ** 2).mean(axis=1)) for c, w in pairs]
    return np.asarray(np.min(each, axis=0))

"""The registry of feature extractors: images in, one row of numbers each out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.extractors.pixels import Pixels16, Structure16
from synthmed.measures.extractors.statistics import Statistics

__all__ = [
    "ARGUMENTS",
    "EXTRACTORS",
    "Extractor",
    "Pixels16",
    "Statistics",
    "Structure16",
    "load_extractor",
]


class Extractor(Protocol):
    """Turns images into features, each image by itself and always in the same way.

    Attributes:
        id: Name, version and, for networks, a hash of the weights.
        preprocessing: What is done to the images first: resizing, size, normalisation.
    """

    @property
    def id(self) -> str: ...  # noqa: D102

    @property
    def preprocessing(self) -> str: ...  # noqa: D102

    def __call__(self, images: Any) -> Array:
        """Features (N, D) in float64 of images (N, 1 or 3, H, W), floats in [-1, 1]."""
        ...


def _medical_64() -> Extractor:
    from synthmed.measures.extractors.medical_encoder import open_bundled

    return open_bundled("medical-64")


def _small_cnn(folder: str) -> Extractor:
    from synthmed.measures.small_cnn import Classifier

    return Classifier.load(folder)


def _transformers(source: str) -> Extractor:
    from synthmed.measures.extractors.transformers_model import open_transformers

    return open_transformers(source)


def _inception(file: str) -> Extractor:
    from synthmed.measures.extractors.inception import open_inception

    return open_inception(file)


EXTRACTORS: dict[str, Callable[..., Extractor]] = {
    "medical-64": _medical_64,
    "pixels-16": Pixels16,
    "structure-16": Structure16,
    "statistics": Statistics,
    "small-cnn": _small_cnn,
    "hf": _transformers,
    "inception": _inception,
}

ARGUMENTS: dict[str, tuple[str, str]] = {
    "small-cnn": ("FOLDER", "Train a classifier by fit_classifier, save it, and give its folder."),
    "hf": ("FOLDER_OR_HUB_ID", "Give the folder of a transformers vision model, or owner/name."),
    "inception": (
        "FILE",
        "No Inception comes with synthmed: give weights (.safetensors) or a TorchScript file.",
    ),
}
"""What follows the colon, and how to get it, for the extractors that need something."""


def load_extractor(name: str, folder: str | Path | None = None) -> Extractor:
    """Opens a registered extractor.

    Args:
        name: "medical-64", "pixels-16", "structure-16", "statistics", "small-cnn:FOLDER",
            "hf:FOLDER_OR_HUB_ID" or "inception:FILE" (weights in safetensors, or TorchScript).
            Nothing is downloaded unless a hub id is named.
        folder: What would follow the colon, instead of writing it there.

    Returns:
        The extractor.

    Raises:
        SynthmedError: An unknown name (the known ones are listed), an argument that is missing
            or not wanted, or an extractor that is not there.
        SafetyError: Weights that could run code.
    """
    key, colon, written = name.partition(":")
    if key not in EXTRACTORS:
        forms = (f"{k}:{ARGUMENTS[k][0]}" if k in ARGUMENTS else k for k in EXTRACTORS)
        raise SynthmedError(f"unknown extractor {name!r}", mend=f"Known: {', '.join(forms)}")
    argument = written if folder is None else str(folder)
    if key not in ARGUMENTS:
        if colon or argument:
            raise SynthmedError(f"the extractor {key!r} takes nothing after its name", where=name)
        return EXTRACTORS[key]()
    if not argument:
        form, mend = ARGUMENTS[key]
        raise SynthmedError(f"the extractor {key!r} needs {key}:{form}", mend=mend)
    return EXTRACTORS[key](argument)

"""Synthetic medical images: train generators, generate labelled datasets, measure them.

The names below are loaded when first used, so that `import synthmed` stays quick and brings in
neither torch nor diffusers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthmed.datasets.exporters import export
    from synthmed.datasets.folder import read_dataset
    from synthmed.datasets.importers import import_dataset
    from synthmed.datasets.torch_dataset import TorchDataset
    from synthmed.datasets.validation import validate
    from synthmed.evaluation.evaluate import evaluate
    from synthmed.imaging.reading import open_image
    from synthmed.models.generator import Generator
    from synthmed.synthesis.calibration import calibrate
    from synthmed.synthesis.generate import generate
    from synthmed.synthesis.translate import translate
    from synthmed.training.run import train
    from synthmed.xray.render import render

__version__ = "0.1.0"
__all__ = [
    "Generator",
    "TorchDataset",
    "calibrate",
    "evaluate",
    "export",
    "generate",
    "import_dataset",
    "open_image",
    "read_dataset",
    "render",
    "train",
    "translate",
    "validate",
]

_LAZY = {
    "Generator": "synthmed.models.generator",
    "TorchDataset": "synthmed.datasets.torch_dataset",
    "calibrate": "synthmed.synthesis.calibration",
    "evaluate": "synthmed.evaluation.evaluate",
    "export": "synthmed.datasets.exporters",
    "generate": "synthmed.synthesis.generate",
    "import_dataset": "synthmed.datasets.importers",
    "open_image": "synthmed.imaging.reading",
    "read_dataset": "synthmed.datasets.folder",
    "render": "synthmed.xray.render",
    "train": "synthmed.training.run",
    "translate": "synthmed.synthesis.translate",
    "validate": "synthmed.datasets.validation",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the module's names, the lazy ones among them."""
    return sorted({*globals(), *__all__})

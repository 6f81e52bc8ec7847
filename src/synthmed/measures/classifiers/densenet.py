"""``densenet121`` by MONAI (Huang et al. 2017, arXiv:1608.06993), from random weights."""

from __future__ import annotations

from functools import partial

from synthmed.errors import SynthmedError
from synthmed.measures.classifiers.registry import ImageClassifier, at_least

LEAST = 32
"""Five halvings leave one pixel."""


def densenet121(argument: str, classes: int) -> ImageClassifier:
    """Make MONAI's DenseNet-121.

    Args:
        argument: Must be blank.
        classes: Number of classes.

    Raises:
        SynthmedError: MONAI is not installed, or an argument.
    """
    if argument:
        raise SynthmedError(f"densenet121 takes no {argument!r}", mend="Write densenet121.")
    try:
        from monai.networks.nets.densenet import DenseNet121
    except ImportError as error:
        raise SynthmedError(
            "the classifier densenet121 needs MONAI", mend="Install synthmed[monai]."
        ) from error
    network = DenseNet121(spatial_dims=2, in_channels=3, out_channels=classes, pretrained=False)
    words = f"native size, at least {LEAST} × {LEAST}"
    prepare = partial(at_least, side=LEAST)
    return ImageClassifier("densenet121", network, prepare, words, learning_rate=5e-4)

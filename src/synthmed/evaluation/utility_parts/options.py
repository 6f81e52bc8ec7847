"""The options of the utility section: read from the settings, and checked before any image is."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Settings

_NAMES = ("classifier", "steps", "batch_size", "seeds", "device")
_LARGEST = 2**63


def options_of(settings: Settings) -> dict[str, Any]:
    """Give the options as `utility_table` takes them.

    Args:
        settings: The report's settings.

    Returns:
        `classifier`, `steps`, `batch_size`, `seeds`, `device`.
    """
    return {name: getattr(settings, f"utility_{name}") for name in _NAMES}


def seeds_of(text: str) -> tuple[int, ...]:
    """Read seeds as they are written on a command line: whole numbers with commas between.

    Raises:
        SynthmedError: Something else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise SynthmedError(
            f"the seeds {text!r} are no whole numbers of 0 or more",
            mend="Write them with commas, such as 0,1,2.",
        )
    return tuple(map(int, parts))


def check_options(settings: Settings) -> None:
    """Find options that no classifier could be trained with.

    The classifier is made once, with two classes, so that a wrong spec, a missing extra or a
    folder without a model is found here.

    Args:
        settings: The report's settings; without `utility_label` no option may be set.

    Raises:
        SynthmedError: Numbers that train nothing, seeds that are not different numbers, an unknown
            classifier or device, or options without a label.
    """
    if not settings.utility_label:
        usual = {each.name: each.default for each in fields(Settings)}
        names = [f"utility_{name}" for name in _NAMES]
        given = [name for name in names if getattr(settings, name) != usual[name]]
        if given:
            raise SynthmedError(
                f"{', '.join(given)}: there is no label that classifiers could be trained for",
                mend="Give --utility COLUMN (utility_label in Python), or leave it out.",
            )
        return
    _check_numbers(settings)
    from synthmed.measures.classifiers.registry import make_classifier
    from synthmed.models.device import pick_device

    pick_device(settings.utility_device)
    make_classifier(settings.utility_classifier, 2)


def _check_numbers(settings: Settings) -> None:
    for name, least in (("utility_steps", 1), ("utility_batch_size", 2)):
        value = getattr(settings, name)
        if not _whole(value) or value < least:
            raise SynthmedError(
                f"{name} is {value!r}", mend=f"Give a whole number of {least} or more."
            )
    seeds: object = settings.utility_seeds
    if not isinstance(seeds, tuple | list) or not all(map(_seed, seeds)):
        raise SynthmedError(
            f"utility_seeds is {seeds!r}", mend="Give whole numbers of 0 or more, such as 0,1,2."
        )
    if not seeds or len(set(seeds)) < len(seeds):
        raise SynthmedError(
            f"utility_seeds is {seeds!r}", mend="Give at least one seed, each once."
        )


def _seed(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

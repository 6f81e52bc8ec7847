"""A given codec: where it lies, and which groups (patients) it was trained on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synthmed.errors import SynthmedError
from synthmed.models.bundled import bundled_models
from synthmed.models.saving import CARD

GROUPS = "groups.json"
"""Beside a run's codec: the hashes of the groups that it was trained on."""


def codec_folder(path: str) -> str:
    """Find the codec that a recipe names.

    Args:
        path: A codec's folder, a Generator's, or the name of a bundled Generator.

    Returns:
        The codec's own folder: the `vae` of a Generator.
    """
    folder = Path(path)
    if not folder.exists():
        folder = bundled_models().get(path, folder)
    return str(folder / "vae" if (folder / "vae").is_dir() else folder)


def codec_groups(path: str) -> list[str] | None:
    """Say whom a codec saw: by the file in a run's codec, or the card of its Generator.

    Args:
        path: As in `codec_folder`.

    Returns:
        SHA-256 (hex) of each group, sorted: the training groups of the codec's Generator and those
        of the codec that this one was given itself. None where nobody wrote them down.

    Raises:
        SynthmedError: They were written down and cannot be read.
    """
    folder = Path(codec_folder(path))
    if (folder / GROUPS).is_file():
        return sorted(_hashes(_read(folder / GROUPS), folder / GROUPS))
    file = folder.parent / CARD
    if not file.is_file():
        return None
    card = _read(file)
    if not isinstance(card, dict):
        raise _unreadable(file)
    if not card.get("training_groups"):
        return None
    every = (_hashes(card.get(key) or [], file) for key in ("training_groups", "codec_groups"))
    return sorted(set().union(*every))


def write_groups(folder: Path, groups: Sequence[str]) -> None:
    """Write the groups that a codec was trained on into its folder."""
    (folder / GROUPS).write_text(json.dumps(list(groups)) + "\n", encoding="utf-8")


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(file) from error


def _hashes(found: Any, file: Path) -> set[str]:
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _unreadable(file)
    return set(found)


def _unreadable(file: Path) -> SynthmedError:
    return SynthmedError(
        "what the codec was trained on cannot be read",
        where=file,
        mend="Copy the codec's generator again, or set codec.path to another.",
    )

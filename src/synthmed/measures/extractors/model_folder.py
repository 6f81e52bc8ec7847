"""Folders of transformers models: found, fetched where a hub id is named, checked and hashed."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from synthmed.errors import SafetyError, SynthmedError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
SETTINGS = ("preprocessor_config.json", "processor_config.json")
_FETCHED = ("config.json", *SETTINGS, "model*.safetensors", INDEX)
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


def find_folder(source: str) -> tuple[Path, str]:
    """Finds a model's folder.

    Args:
        source: A folder, or a hub id (owner/name), which is fetched unless it was before.

    Returns:
        The folder, and a name that says nothing of where it lies.

    Raises:
        SynthmedError: No such folder, or a hub id that cannot be fetched.
    """
    path = Path(source)
    if path.is_dir():
        return path, path.resolve().name
    if not HUB_ID.fullmatch(source) or path.parent.exists():
        raise SynthmedError(
            "no such model folder",
            where=f"hf:{source}",
            mend="Give a folder with config.json and model.safetensors, or a hub id (owner/name)",
        )
    return _fetch(source), source


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a folder's weights.

    Raises:
        SynthmedError: No configuration, no settings of an image processor, or no weights.
        SafetyError: Pickled weights only.
    """
    if not (folder / "config.json").is_file():
        raise SynthmedError("no transformers model: config.json is missing", where=folder)
    if not any((folder / name).is_file() for name in SETTINGS):
        raise SynthmedError(
            "the model's image settings are missing",
            where=folder,
            mend="Save its image processor beside it (preprocessor_config.json)",
        )
    names = {WEIGHTS}
    if not (folder / WEIGHTS).is_file() and (folder / INDEX).is_file():
        try:
            names = set(json.loads((folder / INDEX).read_text())["weight_map"].values())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SynthmedError("the list of weights cannot be read", where=folder) from error
    if any(Path(name).name != name or not (folder / name).is_file() for name in names):
        if any(file for pattern in _PICKLES for file in folder.glob(pattern)):
            raise SafetyError(
                "pickled weights can run code and are refused",
                where=folder,
                mend="Convert them to safetensors",
            )
        raise SynthmedError("the model's weights are missing", where=folder)
    return [folder / name for name in sorted(names)]


def hash_files(files: list[Path]) -> str:
    """SHA-256 over the names and contents of files, in hexadecimal."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 22):
                digest.update(chunk)
    return digest.hexdigest()


def _fetch(hub_id: str) -> Path:
    """The folder of a hub model in the local cache, fetched where it is not there."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(_FETCHED)))
    except Exception as error:  # the client has many kinds: offline, unknown, gated, interrupted
        raise SynthmedError(
            f"the model is not here and cannot be fetched from the hub ({type(error).__name__})",
            where=f"hf:{hub_id}",
            mend="Connect once (gated models: `hf auth login`), or copy its folder here and give "
            "hf:FOLDER",
        ) from error

"""``medical-64``: the encoder that the project trained and ships, with a card that says on what.

A judge must not have seen the patients that it judges: the hashes of its training groups travel
with it, in `MedicalEncoder.groups`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.extractors.encoder_network import EncoderNetwork
from synthmed.measures.small_cnn import prepare, weights_hash

FORMAT = 1
CARD, WEIGHTS = "encoder.json", "model.safetensors"
BUNDLED = Path(__file__).resolve().parents[1] / "weights"
_BATCH = 128


class MedicalEncoder:
    """Features of a trained `EncoderNetwork`.

    Attributes:
        network: The network, in evaluation mode and float32.
        card: Name, version, sources, licence, training, measured scores.
        id: "NAME/VERSION:HASH", the hash being that of the weights.
        groups: Hashes of the groups (patients) that it was trained on, sorted.
    """

    preprocessing = "64 × 64 by area, grey repeated to three channels, values -1 to 1"

    def __init__(self, network: EncoderNetwork, card: Mapping[str, Any]) -> None:
        self.network, self.card = network.eval().requires_grad_(False), dict(card)
        self.groups = tuple(sorted(card.get("training_groups", ())))
        self.id = f"{card['name']}/{card['version']}:{weights_hash(network)[:12]}"

    def __call__(self, images: Any) -> Array:
        """Features of a batch.

        Args:
            images: (N, 1 or 3, H, W) floats in [-1, 1]; an image that is not square is squeezed.

        Returns:
            (N, D) float64, of order 1.

        Raises:
            SynthmedError: Integers, another shape, or values outside [-1, 1].
        """
        with torch.inference_mode():
            parts = [self.network(part) for part in prepare(images).split(_BATCH)]
            return np.asarray(torch.cat(parts).double().numpy())

    def save(self, folder: str | Path) -> None:
        """Writes the weights (convolutions in float16) and then the card into a folder.

        Args:
            folder: Made if missing. The saved weights are rounded; so is what is opened again.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        stored = {
            name: tensor.detach() if name in ("mean", "spread") else tensor.detach().half()
            for name, tensor in self.network.state_dict().items()
        }
        opened = _network(self.card["widths"], stored, folder)
        card = {"format": FORMAT, **self.card, "weights_sha256": weights_hash(opened)}
        weights, text = folder / f"{WEIGHTS}.part", folder / f"{CARD}.part"
        save_file({name: tensor.contiguous() for name, tensor in stored.items()}, weights)
        text.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(weights, folder / WEIGHTS)
        os.replace(text, folder / CARD)

    @classmethod
    def load(cls, folder: str | Path) -> MedicalEncoder:
        """Opens a saved encoder.

        Args:
            folder: A folder written by ``save``.

        Raises:
            SynthmedError: No encoder there, or one of an unknown format.
            SafetyError: Weights that are not those the card names.
        """
        folder = Path(folder)
        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            state = load_file(folder / WEIGHTS)
        except (OSError, ValueError, SafetensorError) as error:
            raise SynthmedError("no readable encoder", where=folder) from error
        if card.get("format") != FORMAT:
            raise SynthmedError(
                f"encoder of format {card.get('format')}, not {FORMAT}", where=folder
            )
        network = _network(card["widths"], state, folder)
        if weights_hash(network) != card["weights_sha256"]:
            raise SafetyError("weights are not those that the card names", where=folder)
        return cls(network, card)


def open_bundled(name: str) -> MedicalEncoder:
    """Opens an encoder that comes with the package.

    Raises:
        SynthmedError: It is not part of this installation.
    """
    folder = BUNDLED / name
    if not (folder / CARD).is_file():
        raise SynthmedError(
            f"the encoder {name!r} is not part of this installation",
            where=name,
            mend="Install synthmed with its weights, or use another extractor",
        )
    return MedicalEncoder.load(folder)


def _network(widths: Any, state: Mapping[str, torch.Tensor], folder: Path) -> EncoderNetwork:
    network = EncoderNetwork(widths)
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    except RuntimeError as error:
        raise SynthmedError("weights do not fit the encoder's card", where=folder) from error
    return network

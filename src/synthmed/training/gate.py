"""The codec gate: no generator can be sharper than its codec, so the codec is judged first."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthmed.errors import SynthmedError
from synthmed.measures.structure import high_frequency_ratio, psnr
from synthmed.models.codec import Codec, as_grey
from synthmed.training.attributes import AttributeCheck, attribute_checks
from synthmed.training.data import TrainingImages
from synthmed.training.pictures import save_grid
from synthmed.training.recipe import GateSettings


@dataclass(frozen=True)
class GateRow:
    """What the codec does to one image type, on validation rows (other patients).

    Attributes:
        image_type: The type.
        n: Validation images.
        psnr: Mean PSNR in dB (data range 2).
        needed: PSNR that the recipe asks for.
        power: Power above half the Nyquist frequency, reconstructions over real images.
        chroma: Mean absolute difference between the channels of a grey type before they are
            averaged, in grey levels of 255; 0 for colour types.
        attributes: Classifiers of single labels, on real images and on reconstructions.
        passed: Whether all of it is good enough.
    """

    image_type: str
    n: int
    psnr: float
    needed: float
    power: float
    chroma: float
    attributes: list[AttributeCheck]
    passed: bool


@torch.no_grad()
def codec_gate(
    codec: Codec, images: TrainingImages, settings: GateSettings, folder: Path, seed: int
) -> list[GateRow]:
    """Judge a codec on validation rows, type by type; write `gate.json` and a picture per type.

    Raises:
        SynthmedError: A type fails and the recipe's gate is not set to go on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checks = attribute_checks(codec, images, settings.attribute_margin, seed)
    val = images.indices("val")
    rows = []
    for name, grey in images.types().items():
        chosen = np.asarray([i for i in val if images.rows[i].image_type == name], np.int64)
        if len(chosen) == 0:
            continue
        real = images.tensor(chosen)
        parts = [codec.decode(codec.encode(real[i : i + 64])).cpu() for i in range(0, len(real), 64)]
        decoded = torch.cat(parts).clamp(-1, 1)
        chroma = float((decoded - as_grey(decoded)).abs().mean()) * 127.5 if grey else 0.0
        if grey:
            real, decoded = as_grey(real), as_grey(decoded)
        rows.append(_row(name, real.numpy(), decoded.numpy(), chroma, checks.get(name, []), settings))
        _picture(real, decoded, folder / f"{name.replace(' ', '-')}.png")
    record = {"settings": asdict(settings), "types": [asdict(row) for row in rows]}
    (folder / "gate.json").write_text(json.dumps(record, indent=1))
    failed = [row for row in rows if not row.passed]
    if failed and not settings.go_on:
        worst = ", ".join(f"{r.image_type} ({r.psnr:.1f} of {r.needed:g} dB, power {r.power:.2f})" for r in failed)
        raise SynthmedError(
            f"the codec gate failed for {worst}",
            where=folder / "gate.json",
            mend="Train the codec for longer or with more latent channels; or state the figure "
            "that is good enough with --set codec.gate.psnr=..., or --set codec.gate.go_on=true.",
        )
    return rows


def _row(
    name: str, real: Any, decoded: Any, chroma: float, checks: list[AttributeCheck], settings: GateSettings
) -> GateRow:
    value = float(np.mean(psnr(real, decoded)))
    power = high_frequency_ratio(real, decoded)
    needed = settings.by_type.get(name, settings.psnr)
    passed = value >= needed and power >= settings.power and all(c.passed for c in checks)
    return GateRow(name, len(real), value, needed, power, chroma, checks, passed)


def _picture(real: torch.Tensor, decoded: torch.Tensor, path: Path) -> None:
    """Real images above, their reconstructions below."""
    save_grid(torch.cat([real[:12], decoded[:12]]), min(12, len(real)), path)

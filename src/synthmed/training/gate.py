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
from synthmed.training.disk import write_json
from synthmed.training.pictures import save_grid
from synthmed.training.settings import GateSettings


@dataclass(frozen=True)
class GateRow:
    """What the codec does to one image type, on validation rows (other patients).

    Attributes:
        image_type: The type.
        n: Validation images.
        psnr: Mean PSNR in dB (data range 2).
        power: Power above half the Nyquist frequency, reconstructions over real images.
        chroma: Mean absolute difference between the channels of a grey type before they are
            averaged, in grey levels of 255; 0 for colour types.
        attributes: Classifiers of single labels, on real images and on reconstructions.
    """

    image_type: str
    n: int
    psnr: float
    power: float
    chroma: float
    attributes: list[AttributeCheck]

    def failures(self, settings: GateSettings) -> list[str]:
        """What is not good enough, in words; nothing if the type passes."""
        needed = settings.by_type.get(self.image_type, settings.psnr)
        failed = []
        if self.psnr < needed:
            failed.append(f"{self.psnr:.1f} of {needed:g} dB")
        if self.power < settings.power:
            failed.append(f"fine detail {self.power:.2f} of {settings.power:g}")
        return failed + [
            f"{check.label}: AUROC {check.reconstructed:.2f}, on real images {check.real:.2f}"
            for check in self.attributes
            if not check.passed(settings.attribute_margin)
        ]


def codec_gate(
    codec: Codec,
    images: TrainingImages,
    settings: GateSettings,
    folder: Path,
    *,
    codec_hash: str,
    seed: int,
) -> dict[str, Any]:
    """Judge a codec on validation rows, type by type; write `gate.json` and a picture per type.

    What was measured before on the same codec and images is not measured again.

    Args:
        codec: The codec.
        images: The run's images.
        settings: What it has to reach.
        folder: Where the record lies.
        codec_hash: What tells this codec from others.
        seed: Of the attribute classifier.

    Returns:
        The record: `settings`, `passed`, and for each of `types` its figures and failures.

    Raises:
        SynthmedError: A type fails and the settings do not say to go on.
    """
    key = f"{codec_hash} {images.key} {seed}"
    rows = _measured_before(folder / "gate.json", key)
    if rows is None:
        folder.mkdir(parents=True, exist_ok=True)
        rows = measure_codec(codec, images, folder, seed)
    failures = {row.image_type: row.failures(settings) for row in rows}
    record = {
        "key": key,
        "settings": asdict(settings),
        "passed": not any(failures.values()),
        "types": [asdict(row) | {"failures": failures[row.image_type]} for row in rows],
    }
    write_json(folder / "gate.json", record)
    if not record["passed"] and not settings.go_on:
        failed = [f"{kind} ({', '.join(why)})" for kind, why in failures.items() if why]
        raise SynthmedError(
            f"the codec gate failed for {'; '.join(failed)}",
            where=folder / "gate.json",
            mend="Train the codec for longer or with more latent channels; or continue with "
            "--resume and --set codec.gate.psnr=... (what is enough) or codec.gate.go_on=true.",
        )
    return record


@torch.no_grad()
def measure_codec(codec: Codec, images: TrainingImages, folder: Path, seed: int) -> list[GateRow]:
    """Measure what a codec does to each type's validation images; write a picture per type.

    Args:
        codec: The codec.
        images: The run's images.
        folder: Where the pictures go.
        seed: Of the attribute classifier.
    """
    checks = attribute_checks(codec, images, seed)
    val = images.indices("val")
    rows = []
    for name, grey in images.types().items():
        chosen = np.asarray([i for i in val if images.rows[i].image_type == name], np.int64)
        if len(chosen) == 0:
            continue
        real = images.tensor(chosen)
        decoded = torch.cat([codec.decode(codec.encode(part)).cpu() for part in real.split(64)])
        decoded, chroma = decoded.clamp(-1, 1), 0.0
        if grey:
            chroma = float((decoded - as_grey(decoded)).abs().mean()) * 127.5
            real, decoded = as_grey(real), as_grey(decoded)
        similarity = float(np.minimum(psnr(real.numpy(), decoded.numpy()), 100.0).mean())
        power = high_frequency_ratio(real.numpy(), decoded.numpy())
        rows.append(GateRow(name, len(real), similarity, power, chroma, checks.get(name, [])))
        picture = torch.cat([real[:12], decoded[:12]])  # real images above their reconstructions
        save_grid(picture, min(12, len(real)), folder / f"{name.replace(' ', '-')}.png")
    return rows


def _measured_before(file: Path, key: str) -> list[GateRow] | None:
    if not file.is_file():
        return None
    record = json.loads(file.read_text())
    if record.get("key") != key:
        return None
    rows = []
    for entry in record["types"]:
        attributes = [AttributeCheck(**check) for check in entry["attributes"]]
        figures = {name: entry[name] for name in ("image_type", "n", "psnr", "power", "chroma")}
        rows.append(GateRow(**figures, attributes=attributes))
    return rows

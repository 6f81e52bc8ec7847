"""Made datasets: every kind of image in 8 and 16 bits, and a CT volume of slices."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import ImageSpec, spec_8bit
from synthmed.imaging.writing import write_mask

SPEC_16 = ImageSpec(1, 16, 32767.5, 32767.5, "stored value", "PNG")
GATE = {"types": [{"image_type": "chest X-ray", "psnr": 34.06}]}
KINDS = ("generated", "edited", "real")
HU = {"value_scale": 2047.5, "value_offset": 1023.5, "unit": "HU"}


def image(seed: int, channels: int, bits: int) -> np.ndarray[Any, Any]:
    """An image of 36 x 40 pixels whose levels reach both ends."""
    top = 2**bits - 1
    levels = np.random.default_rng(seed).integers(0, top + 1, (channels, 36, 40))
    levels[:, 0, 0], levels[:, 0, 1] = 0, top
    return levels * (2.0 / top) - 1.0


def extra(kind: str, number: int) -> dict[str, Any]:
    """The columns of a generated, an edited or a real image."""
    if kind == "real":
        return {"manufacturer": "ACME"}
    made: dict[str, Any] = {
        "synthetic": True,
        "prompt": "chest X-ray, PA view",
        "seed": number,
        "generator": "tiny",
        "generator_hash": "ab" * 32,
    }
    if kind == "edited":
        made |= {"source_file": f"images/{number}.png", "derived_from_patient": True}
        made["original_sop_instance_uid"] = f"1.2.3.{number}"
    return made


def write_mixed(out: Path, masks: Path, *, info: dict[str, Any] | None = None) -> Path:
    """Write a row for every kind, 1 and 3 channels, 8 and 16 bits; grey ones have masks, boxes."""
    writer = DatasetWriter(out, spec_8bit(3, "PNG"), info)
    number = 0
    for kind in KINDS:
        for channels in (1, 3):
            for bits in (8, 16):
                name = f"images/{kind}_{channels}_{bits}.png"
                row = Row(Path(name), name, "train" if number % 3 else "test", f"s:{number // 2}")
                row.modality, row.body_part, row.image_type = "X-ray", "chest", "chest X-ray"
                row.view = "PA"
                row.labels, row.age, row.sex = ("opacity", "effusion"), 61.0, "F"
                row.extra = extra(kind, number)
                if channels == 1:
                    row.mask_file = masks / f"{number}.png"
                    write_mask(row.mask_file, np.eye(36, 40, dtype=np.uint16) * 3)
                    row.boxes = [{"label": "opacity", "bbox": [1.0, 2.0, 3.0, 4.0]}]
                chunks = {"Source": "synthetic", "seed": str(number)} if kind != "real" else None
                spec = SPEC_16 if bits == 16 else spec_8bit(channels, "PNG")
                writer.add(row, image(number, channels, bits), text=chunks, spec=spec)
                number += 1
    writer.finish()
    return out


def write_volume(out: Path, *, slices: int = 4, **more: Any) -> Path:
    """Write a CT series of 16-bit slices in HU, 0.8 x 0.7 mm; `instance` counts from the feet."""
    writer = DatasetWriter(out, SPEC_16)
    for number in reversed(range(slices)):  # the table's order is not the volume's
        name = f"images/slice_{number}.png"
        row = Row(Path(name), name, "train", "hospital:p1", image_type="chest CT", view="axial")
        row.modality, row.body_part = "CT", "chest"
        row.extra = {
            **HU,
            **{"window_low": -160.0, "window_high": 240.0, "instance": number + 1},
            **{"spacing_row": 0.8, "spacing_column": 0.7, "series_id": "s-abc"},
            **more,
        }
        writer.add(row, (hounsfield(number) - HU["value_offset"]) / HU["value_scale"])
    writer.finish()
    return out


def hounsfield(number: int) -> np.ndarray[Any, Any]:
    """The HU values of a slice, (1, 5, 6)."""
    return np.arange(30.0).reshape(1, 5, 6) * 40 - 1000 + number


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of every kind of image, with a measured codec. Read only."""
    out = tmp_path_factory.mktemp("mixed")
    return write_mixed(out / "d", out / "masks", info={"generation": {"gate": GATE}})


@pytest.fixture(scope="session")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of one CT series of four slices, 2.5 mm apart. Read only."""
    return write_volume(tmp_path_factory.mktemp("volume") / "d", spacing_slice=2.5)


@pytest.fixture(scope="session")
def tool() -> Callable[..., str]:
    """Runs a program and gives its whole output; skips the test where it is not installed."""

    def run(*words: object) -> str:
        if shutil.which(str(words[0])) is None:
            pytest.skip(f"{words[0]} is not installed")
        command = [str(word) for word in words]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        return f"{done.stdout}{done.stderr}"

    return run

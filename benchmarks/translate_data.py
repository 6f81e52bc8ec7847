"""The data of `translate`: renders of one CT and real chest X-rays, in one dataset folder.

All images are framed to 64 pixels once. The real rows keep the split of their sets; patients whose
lungs are outlined (the lung segmenter of the same benchmark is tested on them) are left out of
train and val. All renders are one patient and stand in every split, in other poses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from benchmarks.common import ROOT, say
from benchmarks.data import load_framed
from benchmarks.translate_renders import RENDERED, SIZE, ct, framed, pose_images, pose_rows, poses
from synthmed.datasets.folder import DatasetFolder, read_dataset
from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.reading import open_image
from synthmed.imaging.spec import spec_8bit
from synthmed.training.sources import collect_sources
from synthmed.xray.ct import CT

CHEST = "chest X-ray"
PREFIXES = {"nih-cxr64": "nih:", "covid-cxr": "covid-cxr:"}
"""How the groups of the real domains begin in `recipes/sources/base-64.yaml`."""
REAL = tuple(PREFIXES)
DOMAINS = (*RENDERED, *REAL)
Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Images:
    """Images of one domain.

    Attributes:
        images: `(N, 1, 64, 64)` in [-1, 1], 8 bits deep.
        rows: Their rows.
        groups: Units of the intervals: patients; poses for renders, which are all one patient.
    """

    images: Pixels
    rows: list[Row]
    groups: list[str]

    def first(self, count: int | None) -> Images:
        """Some of them, spread evenly; None takes all."""
        if count is None or count >= len(self.rows):
            return self
        chosen = [i * len(self.rows) // count for i in range(count)]
        picked = [self.rows[i] for i in chosen], [self.groups[i] for i in chosen]
        return Images(self.images[chosen], *picked)


@dataclass(frozen=True)
class Data:
    """The dataset folder and what is read of it.

    Attributes:
        folder: The folder; it holds real patients' images.
    """

    folder: Path

    @classmethod
    def ready(cls, folder: Path, listing: Path, shared: Path, train: int, held_out: int) -> Data:
        """Make the dataset folder, or open it.

        Args:
            folder: Where it is kept.
            listing: YAML list of sources with the real images.
            shared: Folder of the image sets, with the CT.
            train: Training poses of each exposure.
            held_out: Validation poses, and half of the test poses.
        """
        if not (folder / "dataset.json").is_file():
            say("rendering the CT and framing the real images ...")
            writer = DatasetWriter(folder, spec_8bit(1, "PNG"), {"note": "real images inside"})
            volume = ct(shared)
            for split, seed, settings in poses(train, held_out):
                _add_pose(writer, volume, (split, seed, settings), folder.parent / "masks")
            for row, image in real_rows(listing, shared):
                writer.add(row, image)
            writer.finish()
        return cls(folder)

    @cached_property
    def read(self) -> DatasetFolder:
        """The folder as read."""
        return read_dataset(self.folder)

    @property
    def shared(self) -> list[str]:
        """Groups that stand in several splits: the CT."""
        return sorted({row.group_id for row in self.read.rows if row.domain in RENDERED})

    @property
    def hash(self) -> str:
        """Hash of what the folder holds."""
        return str(self.read.info["content_hash"])

    def part(self, domain: str, split: str, most: int | None = None) -> Images:
        """The images of a domain in a split; at most so many, spread evenly."""
        rows = [row for row in self.read.rows if (row.domain, row.split) == (domain, split)]
        groups = [str(row.extra.get("pose") or row.group_id) for row in rows]
        return Images(load_framed(rows, SIZE)[:, :1], rows, groups).first(most)

    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Images and groups (poses of renders) of each domain and split."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for domain in DOMAINS:
            for split in ("train", "val", "test"):
                rows = [r for r in self.read.rows if (r.domain, r.split) == (domain, split)]
                groups = {str(row.extra.get("pose") or row.group_id) for row in rows}
                entry = {"images": len(rows), "groups": len(groups)}
                found.setdefault(domain, {})[split] = entry
        return found


def _add_pose(
    writer: DatasetWriter, volume: CT, pose: tuple[str, int, tuple[str, ...]], masks: Path
) -> None:
    """Render a pose, unless a run before did, and add its images."""
    split, seed, settings = pose
    rows = pose_rows(volume, split, seed, settings, masks)
    images: Sequence[Pixels | None] = [None] * len(rows)
    if not all(writer.path_of(row).is_file() for row in rows):
        images = pose_images(volume, seed, settings, masks)
    for row, image in zip(rows, images, strict=True):
        writer.add(row, image)


def lungs(images: Images) -> npt.NDArray[np.bool_]:
    """Projected masks of the lungs of renders: `(N, 64, 64)`."""
    masks = [open_image(row.mask_file)[0][0] > 0 for row in images.rows if row.mask_file]
    return np.asarray(masks)


def shared_folder(listing: Path) -> Path:
    """Folder that holds the image sets: the one that the first source of the list lies in."""
    first = Path(str(yaml.safe_load(listing.read_text(encoding="utf-8"))[0]["path"]))
    found = first if first.is_absolute() or first.exists() else ROOT / first
    return found.resolve().parent


def real_rows(listing: Path, shared: Path) -> Iterator[tuple[Row, Pixels]]:
    """Rows and framed images `(1, 64, 64)` of the real domains."""
    rows = [row for row in collect_sources(str(listing), ROOT).rows if row.image_type == CHEST]
    for domain, prefix in PREFIXES.items():
        own = [row for row in rows if row.group_id.startswith(prefix)]
        outlined = {prefix + patient for patient in _outlined(shared / domain)}
        kept = [row for row in own if row.split == "test" or row.group_id not in outlined]
        for number, row in enumerate(kept):
            yield _plain(row, domain, f"{domain}-{number:04d}.png"), framed(open_image(row.file)[0])


def _outlined(folder: Path) -> frozenset[str]:
    """Patients of a set whose lungs are outlined; none in sets without masks."""
    from benchmarks.translate_use_data import masked_patients

    if folder.name != "covid-cxr" or not folder.is_dir():
        return frozenset()
    return masked_patients(folder)


def _plain(row: Row, domain: str, name: str) -> Row:
    """A row with what translation needs, and nothing else: no label, so no attribute is judged."""
    return Row(Path(name), name, row.split, row.group_id, domain=domain, image_type=CHEST)

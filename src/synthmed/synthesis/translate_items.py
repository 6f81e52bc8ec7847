"""What is translated: one image and what is known of it; all of them; their batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.datasets.rows import Row
from synthmed.synthesis.journal import file_hash


@dataclass(frozen=True)
class Source:
    """An image to translate.

    Attributes:
        name: Its file, relative to the folder that was given; of one file its name.
        row: What is known of it; `file_name` and `split` say where its translation goes.
        domain: Where it comes from.
        sha256: Hash of the file, "" where it cannot be read.
        sop_uid: SOP Instance UID that `synthmed export` gives to the source as a Secondary
            Capture, "" where the source stands in no dataset folder.
        loose: It stands in no dataset folder; its name may be a patient's and is not passed on.
    """

    name: str
    row: Row
    domain: str
    sha256: str
    sop_uid: str = ""
    loose: bool = False

    @property
    def key(self) -> str:
        """Where its translation goes, relative to the new folder; no two have the same."""
        return f"{self.row.split}/{self.row.file_name}"


@dataclass
class Sources:
    """All images to translate.

    Attributes:
        images: In a fixed order.
        rejected: File and reason of what cannot be translated, as far as that is known.
        left_out: Images of the target domain, which need no translation.
        info: What the dataset.json of a dataset folder says, else {}.
        notes: What the user should know, one sentence each.
    """

    images: list[Source]
    rejected: list[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0
    info: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def by_domain(images: Sequence[Source], size: int) -> Iterator[list[Source]]:
    """Split images into batches of one domain each, always the same ones.

    Args:
        images: The images.
        size: Images of a batch at most.

    Yields:
        Batches; the images of a domain stay in their order.
    """
    groups: dict[str, list[Source]] = {}
    for image in images:
        groups.setdefault(image.domain, []).append(image)
    for group in groups.values():
        for start in range(0, len(group), size):
            yield group[start : start + size]


def hash_of(file: Path) -> str:
    """Give the SHA-256 of a file, "" where it cannot be read."""
    try:
        return file_hash(file)
    except OSError:
        return ""

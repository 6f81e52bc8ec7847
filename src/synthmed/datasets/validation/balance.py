"""Labels that are rare, or that the training split does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from synthmed.datasets.rows import Row
from synthmed.datasets.validation.findings import Finding

RATIO = 20  # the most frequent label may have so many times the images of the rarest one
FEWEST = 5  # training images that a label needs at least


def balance_findings(rows: Sequence[Row]) -> Iterator[Finding]:
    """Find labels of an image type that are rare in training, or only in another split."""
    counts: dict[str, Counter[str]] = {}
    elsewhere: dict[str, Counter[str]] = {}
    for row in rows:
        table = counts if row.split == "train" else elsewhere
        table.setdefault(row.image_type, Counter()).update(set(row.labels))
    for kind in dict.fromkeys([*counts, *elsewhere]):
        of_kind = counts.get(kind, Counter())
        most = max(of_kind.values(), default=0)
        for label, count in of_kind.most_common():
            if count < FEWEST or count * RATIO < most:
                message = f"label {label!r} has {count} training images, the most frequent {most}"
                yield Finding("imbalance", "warning", kind, message)
        for label in elsewhere.get(kind, Counter()):
            if of_kind and label not in of_kind:
                message = f"label {label!r} is in no training image"
                yield Finding("imbalance", "warning", kind, message)

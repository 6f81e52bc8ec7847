"""How a translation is measured: distances to the target's real images, likeness to the source.

All parts of the data are dealt into the jackknife's blocks once, so that every figure is known
without the same blocks of patients and poses, and differences between methods are paired.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.estimates import Estimate, estimate
from benchmarks.translate_data import Images, Pixels
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SafetyError
from synthmed.measures.blocks import Dealt, Index, kept_blocks
from synthmed.measures.features import load_extractor
from synthmed.measures.intervals import bootstrap_groups
from synthmed.measures.jackknife import deal, interval, left_out_sets
from synthmed.measures.kernels import kernel_family
from synthmed.measures.manifolds import manifold_family
from synthmed.measures.structure import ssim

EXTRACTOR = "medical-64"
Array = npt.NDArray[np.float64]
DISTANCES = ("kid", "cmmd", "coverage")
LeaveOut = dict[str, Array]
"""`kid` and `ssim` without each set of blocks, the whole first: (L,)."""


@dataclass
class Judge:
    """What all methods of a run are measured by.

    Attributes:
        parts: The judged images by domain.
        blocks: Jackknife block of each of them.
        count: Number of blocks.
        extract: The extractor.
        known: Features by domain, computed once.
    """

    parts: Mapping[str, Images]
    blocks: dict[str, Index]
    count: int
    extract: Any
    known: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Mapping[str, Images], extractor: str = EXTRACTOR) -> Judge:
        """Deal the groups of all domains together and open the extractor.

        Raises:
            SafetyError: The extractor was trained on some of the judged patients.
        """
        extract = load_extractor(extractor)
        refuse_seen(parts, getattr(extract, "groups", ()))
        names = list(parts)
        dealt, count = deal(*((np.arange(len(parts[n].groups)), parts[n].groups) for n in names))
        return cls(parts, dict(zip(names, dealt, strict=True)), count, extract)

    @property
    def sets(self) -> list[tuple[int, ...]]:
        """What is left out: nothing, each block, disjoint pairs."""
        return left_out_sets(self.count)

    def features(self, domain: str) -> Array:
        """Features of a domain's images."""
        if domain not in self.known:
            self.known[domain] = self.extract(self.parts[domain].images)
        return self.known[domain]

    def means(self, values: npt.NDArray[Any], domain: str) -> Array:
        """Means of one value an image of a domain, without each set of blocks: (L,)."""
        keep = kept_blocks(self.sets, self.count)[:, self.blocks[domain]]
        return np.asarray((keep * values).sum(axis=1) / keep.sum(axis=1))

    def estimate(self, values: Array, n: int, share: bool = False) -> Estimate:
        """The whole's value with the jackknife's interval; that of a share ends at 0 and 1."""
        ends = interval(values, self.count)
        return estimate(float(values[0]), *(np.clip(ends, 0.0, 1.0) if share else ends), n)

    def point(
        self, output: Pixels, source: str, target: str, features: Array | None = None
    ) -> tuple[dict[str, Any], LeaveOut]:
        """Measure the translations of a domain's images.

        Args:
            output: One image `(1, S, S)` for each of the source's.
            source: Their domain.
            target: The domain that they should look like.
            features: The extractor's for the output, where they are known.

        Returns:
            The row: KID, CMMD and coverage to the target's real images, SSIM and distance of
            features to the source; and KID and SSIM without each set of blocks.
        """
        made = self.extract(output) if features is None else features
        sides = [
            replace(Dealt.whole(rows), blocks=self.blocks[name])
            for rows, name in ((self.features(target), target), (made, source))
        ]
        found = dict(kernel_family(*sides, self.sets, ["kid", "cmmd"]).values)
        found |= manifold_family(*sides, self.sets, ["coverage"]).values
        n, groups = len(output), self.parts[source].groups
        row: dict[str, Any] = {
            name: self.estimate(found[name], n, share=name == "coverage") for name in DISTANCES
        }
        likeness = ssim(self.parts[source].images, output)
        row["ssim"] = per_image(likeness, groups)
        away = np.linalg.norm(made - self.features(source), axis=1)
        row["feature distance"] = per_image(away, groups)
        row["n_real"] = len(self.parts[target].rows)
        return row, {"kid": found["kid"], "ssim": self.means(likeness, source)}

    def real(self, others: Images, target: str) -> dict[str, Any]:
        """Real images of other patients of the target beside its judged ones, for reference."""
        made = self.extract(others.images)
        own = self.parts[target]
        blocks, count = deal(
            (np.arange(len(own.groups)), own.groups),
            (np.arange(len(others.groups)), others.groups),
            blocks=self.count,
        )
        sides = [
            replace(Dealt.whole(rows), blocks=block)
            for rows, block in zip((self.features(target), made), blocks, strict=True)
        ]
        sets = left_out_sets(count)
        found = dict(kernel_family(*sides, sets, ["kid", "cmmd"]).values)
        found |= manifold_family(*sides, sets, ["coverage"]).values
        ends = {name: np.asarray(interval(found[name], count)) for name in DISTANCES}
        ends["coverage"] = np.clip(ends["coverage"], 0.0, 1.0)
        return {
            **{name: estimate(found[name][0], *ends[name], len(made)) for name in DISTANCES},
            "n_real": len(own.rows),
        }


def refuse_seen(parts: Mapping[str, Images], seen: Sequence[str]) -> None:
    """Refuse a judge that was trained on the patients whom it judges.

    Raises:
        SafetyError: It was.
    """
    rows = [row for part in parts.values() for row in part.rows]
    if both := set(seen) & set(group_hashes(rows)):
        raise SafetyError(f"the extractor was trained on {len(both)} of the judged groups")


def per_image(values: npt.NDArray[Any], groups: Sequence[str]) -> Estimate:
    """Mean of one value an image, with a bootstrap interval over groups."""
    return estimate(np.mean(values), *bootstrap_groups(np.mean, [values], groups), len(values))


def paired(a: npt.NDArray[Any], b: npt.NDArray[Any], groups: Sequence[str]) -> Estimate:
    """Mean of a - b over the same images, with a bootstrap interval over groups."""
    return per_image(np.asarray(a) - np.asarray(b), groups)


def keep_leave_out(file: Path, values: LeaveOut) -> None:
    """Write what is needed to draw and compare curves; it stays out of the results."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps({name: column.tolist() for name, column in values.items()}))
    os.replace(part, file)


def read_leave_out(file: Path) -> LeaveOut:
    """Read what `keep_leave_out` wrote."""
    found = json.loads(file.read_text(encoding="utf-8"))
    return {name: np.asarray(column) for name, column in found.items()}

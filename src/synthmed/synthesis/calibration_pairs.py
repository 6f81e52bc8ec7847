"""Measure one ordered pair of domains: translate its images at every depth, and compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.splits import group_hashes
from synthmed.errors import SynthmedError
from synthmed.measures.features import Extractor
from synthmed.synthesis.calibration_domain import DomainImages, open_domain
from synthmed.synthesis.calibration_images import Material, learnt_from
from synthmed.synthesis.calibration_measures import (
    features_of,
    matched_point,
    real_real,
    realism_point,
    structure_point,
)
from synthmed.synthesis.translate_batches import Editor
from synthmed.synthesis.translate_conditions import conditions_of

if TYPE_CHECKING:
    from synthmed.models.generator import Generator
    from synthmed.synthesis.editing import EditSettings

Entry = dict[str, Any]
"""What a card holds of one pair."""


@dataclass
class PairMeasurer:
    """Measures pairs of domains; images and features of a domain are made once.

    Attributes:
        generator: Translates.
        extractor: Features that KID is measured in.
        settings: How images are translated; the depth is replaced.
        depths: Depths to measure.
        material: The drawn rows by domain.
        batch_size: Images evaluated together.
        seed: Seeds bootstrap and halvings.
        report: Told the number of images that were translated.
        rejected: Images that cannot be read: `file_name`, `reason`.
    """

    generator: Generator
    extractor: Extractor
    settings: EditSettings
    depths: tuple[float, ...]
    material: Material
    batch_size: int
    seed: int
    report: Callable[[int], None]
    rejected: list[dict[str, str]]
    _editor: Editor = field(init=False)
    _opened: dict[str, DomainImages] = field(default_factory=dict)
    _features: dict[tuple[str, int], npt.NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep one editor: it remembers the batch size that fits into memory."""
        self._editor = Editor(self.generator, self.batch_size)

    def domain(self, name: str) -> DomainImages:
        """Give the framed images of a domain."""
        if name not in self._opened:
            size = self.generator.image_size
            types = self.generator.types
            grey = bool(types) and all(entry.get("grey") for entry in types)  # as translate has it
            self._opened[name] = open_domain(
                name, self.material, size, self.rejected, grey_only=grey
            )
        return self._opened[name]

    def made_of(self, source: str, target: str) -> Mapping[str, Any]:
        """What decides the figures of a pair beside the settings: images and depths."""
        return {
            "depths": list(self.depths),
            "content_source": self.domain(source).content,
            "content_target": self.domain(target).content,
        }

    def groups_of(self, source: str, target: str) -> list[str]:
        """Hashes of the groups (patients) that a pair is measured on."""
        return group_hashes([*self.domain(source).rows, *self.domain(target).rows])

    def __call__(self, source_name: str, target_name: str) -> Entry:
        """Measure structure and realism of one ordered pair at all depths.

        Returns:
            The pair's entry in the card.

        Raises:
            SynthmedError: Too few patients on a side, or images that cannot be measured.
        """
        source, target = self.domain(source_name), self.domain(target_name)
        if reason := "; ".join(filter(None, (source.too_few, target.too_few))):
            raise SynthmedError(f"too few images: {reason}")
        channels = max(source.pixels.shape[1], target.pixels.shape[1])
        sources, real = source.colours(channels), self._own(target, channels)
        units = source.units.tolist(), target.units.tolist()

        def realism(features: Any) -> dict[str, float]:
            return realism_point(real, features, units[1], units[0], self.extractor)

        structure, distances, matched = [], [], []
        for depth in self.depths:
            edited = self._edited(source, target_name, depth, channels)
            structure.append(structure_point(sources, edited, source.boxes, units[0], self.seed))
            features = features_of(self.extractor, edited)
            distances.append(realism(features))
            matched.append(matched_point(features, real, *units, self.seed))
        return {
            "source": source_name,
            "target": target_name,
            "n_source": len(source.rows),
            "n_target": len(target.rows),
            "groups_source": source.groups,
            "groups_target": target.groups,
            "units_source": source.count,
            "units_target": target.count,
            "shared_source": source.shared,
            "shared_target": target.shared,
            **self.made_of(source_name, target_name),
            "structure": structure,
            "realism": distances,
            "matched": matched,
            "real_real": real_real(real, *units, self.seed),
            "untouched": realism(self._own(source, channels)),
            "warnings": self._warnings(source, target),
        }

    def _warnings(self, source: DomainImages, target: DomainImages) -> list[str]:
        """What limits a pair's figures: few patients, features learnt from them."""
        told = learnt_from(self.extractor, (*source.rows, *target.rows))
        return [text for text in (source.few, target.few, told) if text]

    def _own(self, images: DomainImages, channels: int) -> npt.NDArray[np.float64]:
        """Features of a domain's own images."""
        key = images.name, channels
        if key not in self._features:
            self._features[key] = features_of(self.extractor, images.colours(channels))
        return self._features[key]

    def _edited(
        self, source: DomainImages, target: str, depth: float, channels: int
    ) -> npt.NDArray[np.float32]:
        """Translations (N, channels, S, S) of a domain's images, in [-1, 1]."""
        settings, made = replace(self.settings, depth=depth), []
        images = source.colours(3)
        for start in range(0, len(images), self.batch_size):
            part = slice(start, start + self.batch_size)
            same = [conditions_of(self.generator, row) for row in source.rows[part]]
            one = [{**record, "domain": source.name} for record in same]
            other = [{**record, "domain": target} for record in same]
            pairs = self._editor(list(images[part]), one, other, settings)
            for image, (new, rebuilt) in zip(images[part], pairs, strict=True):
                if settings.detail == "keep" and rebuilt is not None:
                    new = np.clip(image + (new - rebuilt), -1, 1)
                made.append(new if channels == 3 else new.mean(axis=0, keepdims=True))
            self.report(len(same))
        return np.stack(made).astype(np.float32)

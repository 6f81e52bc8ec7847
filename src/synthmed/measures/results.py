"""What a measure returns: never a bare number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Result:
    """One measured value with all that is needed to compare it with another.

    Attributes:
        name: Name of the metric.
        value: Its value on the whole samples.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
        n_real: Number of real images.
        n_synthetic: Number of synthetic images.
        extractor: Id of the feature extractor, with version and weight hash.
        preprocessing: Id of what was done to the images before.
        extra: Further facts: blocks, warnings.
    """

    name: str
    value: float
    low: float
    high: float
    n_real: int
    n_synthetic: int
    extractor: str
    preprocessing: str
    extra: Mapping[str, object] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """The fields as a dict of plain values, for JSON."""
        return {**asdict(self), "extra": dict(self.extra)}

    def __str__(self) -> str:
        """The value with its interval and both numbers of images."""
        return (
            f"{self.name} {self.value:.4g} [{self.low:.4g}, {self.high:.4g}] "
            f"(real {self.n_real}, synthetic {self.n_synthetic}; {self.extractor})"
        )

"""The judges' recipe, and the judge of image types; see `benchmarks/judges-64.yaml`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from benchmarks.judge_features import judge_features
from benchmarks.kernel_judge import Array, Features, KernelJudge
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError

Images = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Attribute:
    """Two answers within an image type.

    Attributes:
        name: What is positive, and of what.
        image_type: The type.
        positive: Condition of each column that a positive row fits.
        negative: The same for negative rows; comes first.
        where: Condition that both fit.
        note: What to know when reading its results.
    """

    name: str
    image_type: str
    positive: Mapping[str, Any]
    negative: Mapping[str, Any]
    where: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def labels(self, rows: Sequence[Row]) -> npt.NDArray[np.int64]:
        """1, 0, or -1 where neither answer is known, for each row."""
        return np.asarray([self._label(row) for row in rows], np.int64)

    def _label(self, row: Row) -> int:
        if row.image_type != self.image_type or not _fits(row, self.where):
            return -1
        if _fits(row, self.negative):
            return 0
        return 1 if _fits(row, self.positive) else -1


@dataclass(frozen=True)
class JudgeRecipe:
    """How judges are trained.

    Attributes:
        attributes: What they tell apart.
        ridge: Strength of the kernel judges' regularisation.
        folds: Folds of patients of the judges with patients of their own.
        symmetric: Image types whose halves are compared.
    """

    attributes: tuple[Attribute, ...]
    ridge: float
    folds: int
    symmetric: tuple[str, ...]

    @property
    def hash(self) -> str:
        """Hash of what it says."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def read_judges(path: Path) -> JudgeRecipe:
    """Read the judges' recipe.

    Raises:
        SynthmedError: There is none, or it is not as it should be.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        attributes = tuple(Attribute(**entry) for entry in content.pop("attributes"))
        return JudgeRecipe(attributes, symmetric=tuple(content.pop("symmetric")), **content)
    except OSError as error:
        raise SynthmedError("the judges' recipe cannot be read", where=path) from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise SynthmedError(f"the judges' recipe is wrong: {error}", where=path) from error


@dataclass(frozen=True)
class TypeJudge:
    """One judge a type, each against all others.

    Attributes:
        judges: By image type.
    """

    judges: dict[str, KernelJudge]

    @classmethod
    def fit(cls, images: Images, rows: Sequence[Row], ridge: float) -> TypeJudge:
        """Fit on images `(N, 3, S, S)` in [-1, 1] of rows of all types."""
        features, kinds = cls.features(images), np.asarray([row.image_type for row in rows])
        return cls(
            {
                str(kind): KernelJudge.fit(features, (kinds == kind).astype(np.int64), ridge)
                for kind in np.unique(kinds)
            }
        )

    @staticmethod
    def features(images: Images) -> dict[str, Array]:
        """Features that suppose nothing about the type, (N, D) by group."""
        return judge_features(images, "", symmetric=False)

    def types(self, features: Features) -> npt.NDArray[np.str_]:
        """(N,) type of the judge that scores highest."""
        scores = np.stack([judge.scores(features) for judge in self.judges.values()])
        return np.asarray(list(self.judges))[scores.argmax(axis=0)]

    def embedded(self, features: Features) -> Array:
        """(N, D) scaled features side by side, for distances between sets of images."""
        return next(iter(self.judges.values())).embedded(features)


def _fits(row: Row, conditions: Mapping[str, Any]) -> bool:
    return all(_holds(_values(row, column), what) for column, what in conditions.items())


def _values(row: Row, column: str) -> list[str]:
    """Values of a column that are not blank, as text."""
    value = getattr(row, column) if hasattr(row, column) else row.extra.get(column)
    values = value if isinstance(value, list | tuple) else [value]
    return [str(item) for item in values if item not in (None, "")]


def _holds(values: Sequence[str], what: Any) -> bool:
    if what == "any":
        return bool(values)
    if isinstance(what, list):
        return bool(set(values) & set(map(str, what)))
    if not isinstance(what, dict) or not what.keys() <= {"below", "at_least"}:
        raise SynthmedError(f"no such condition: {what!r}", mend="any, a list, below, at_least")
    low, high = what.get("at_least", -np.inf), what.get("below", np.inf)
    return bool(values) and low <= float(values[0]) < high

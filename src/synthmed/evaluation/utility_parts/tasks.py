"""What is to be told apart: classes and their numbers, from the columns of datasets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmed.datasets.rows import Row, as_text
from synthmed.errors import SynthmedError
from synthmed.evaluation.sides import Side
from synthmed.evaluation.utility_parts.labelled import Labelled

FEWEST = 5
"""Images of a class, in training, test and synthetic rows each, without which it is left out."""
MOST = 8
"""Labels of a multi-label set that get a task each: the most frequent ones."""
BANDS = ((0, "0-17 years"), (18, "18-39 years"), (40, "40-59 years"), (60, "60 years and above"))
_TEXT = ("modality", "body_part", "view", "sex", "domain", "image_type")


@dataclass(frozen=True)
class Task:
    """A question with a closed list of answers.

    Attributes:
        name: Such as "labels", "sex", or "label effusion" for one label of several.
        classes: The answers.
        answer: The answer of a row; "" where it is not known.
    """

    name: str
    classes: tuple[str, ...]
    answer: Callable[[Row], str]

    def numbers(self, rows: Sequence[Row]) -> NDArray[np.int64]:
        """Number of each row's class, (N,); -1 where it is none of the classes, or unknown."""
        place = {name: i for i, name in enumerate(self.classes)}
        return np.asarray([place.get(self.answer(row), -1) for row in rows], dtype=np.int64)


def tasks_of(column: str, *sides: Sequence[Row]) -> tuple[list[Task], list[str]]:
    """Make the tasks that a column asks for.

    - a column of one value a row (`sex`, `view`, `domain`, any other), or `labels` where no row
      has several: one task, a class a value;
    - `labels` where rows have several: one binary task a label, its absence being the first class;
    - `age`: its bands, 0-17, 18-39, 40-59, 60 and above;
    - the name of a single label: one binary task.

    Text is compared without regard to case and underscores. A row without any label is unknown,
    not negative.

    Args:
        column: The column, or a label.
        sides: Rows of all sets; a class needs `FEWEST` rows in each.

    Returns:
        The tasks, and what was left out, in words.

    Raises:
        SynthmedError: No such column or label, or fewer than two classes with rows enough.
    """
    rows = [row for side in sides for row in side]
    wanted = _tidy(column)
    if wanted == "labels" or any(wanted in map(_tidy, row.labels) for row in rows):
        tasks = _label_tasks(wanted, rows)
    elif wanted == "age":
        tasks = [Task("age", tuple(name for _, name in BANDS), lambda row: age_band(row.age))]
    elif column in _TEXT or any(column in row.extra for row in rows):
        found = {_cell(row, column) for row in rows} - {""}
        tasks = [Task(column, tuple(sorted(found)), lambda row: _cell(row, column))]
    else:
        raise SynthmedError(
            f"no column and no label is called {column!r}",
            mend="Name labels, age, sex, view, domain, another column, or one label.",
        )
    kept, left_out = [], []
    for task in tasks:
        reduced, missing = _enough(task, sides)
        if missing:
            left_out.append(f"{task.name}: too few images of {', '.join(missing)}")
        kept += [reduced] if len(reduced.classes) > 1 else []
    if not kept:
        why = "; ".join(left_out[:3]) or "no row says it"
        raise SynthmedError(
            f"{column!r} has fewer than two classes with {FEWEST} images in training, test and "
            f"synthetic rows each ({why})"
        )
    return kept, left_out


def labelled(side: Side, task: Task, seen: frozenset[str] | None = None) -> Labelled:
    """Give the rows of a side whose class is known, with attributes for subgroups.

    Args:
        side: The side.
        task: Decides the classes.
        seen: What the generator of a synthetic side saw.
    """
    numbers = task.numbers(side.rows)
    part = side.take(numbers >= 0)
    rows = part.rows
    columns = {
        "sex": [row.sex or "" for row in rows],
        "age": [age_band(row.age) for row in rows],
        "source": [row.domain or _source(row.group_id) for row in rows],
    }
    attributes = {
        name: np.asarray(cells, dtype=np.str_)
        for name, cells in columns.items()
        if name != task.name
    }
    return Labelled(part.images(), numbers[numbers >= 0], part.groups, part.kinds, attributes, seen)


def age_band(age: float | None) -> str:
    """Name the band of an age in years; "" where it is unknown."""
    return "" if age is None else next((name for low, name in reversed(BANDS) if age >= low), "")


def _label_tasks(wanted: str, rows: Sequence[Row]) -> list[Task]:
    """One task of all labels where no row has two, else one for each label, or for one asked."""
    counts = Counter(label for row in rows for label in {*map(_tidy, row.labels)})
    single = all(len({*map(_tidy, row.labels)}) <= 1 for row in rows)
    if wanted == "labels" and single:
        classes = tuple(sorted(counts))
        return [Task("labels", classes, lambda row: _tidy(row.labels[0]) if row.labels else "")]
    names = [wanted] if wanted != "labels" else [name for name, _ in counts.most_common(MOST)]
    return [_has(name) for name in names]


def _has(label: str) -> Task:
    """Whether a row has a label."""
    without = f"no {label}"

    def answer(row: Row) -> str:
        if not row.labels:
            return ""
        return label if label in map(_tidy, row.labels) else without

    return Task(f"label {label}", (without, label), answer)


def _enough(task: Task, sides: Sequence[Sequence[Row]]) -> tuple[Task, list[str]]:
    """The task with the classes that have rows enough in every set, and the other classes."""
    counts = [Counter(map(task.answer, side)) for side in sides]
    missing = [name for name in task.classes if min(c[name] for c in counts) < FEWEST]
    kept = tuple(name for name in task.classes if name not in missing)
    return Task(task.name, kept, task.answer), missing


def _cell(row: Row, column: str) -> str:
    return _tidy(as_text(getattr(row, column) if column in _TEXT else row.extra.get(column)))


def _tidy(text: str) -> str:
    return " ".join(text.replace("_", " ").casefold().split())


def _source(group: str) -> str:
    """The source in a group's name, "source:patient"."""
    return group.partition(":")[0] if ":" in group else ""

"""What a section of the report gives: data, and how people are shown it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["green", "amber", "red", "grey"]
Kind = Literal["histogram", "scatter", "lines", "bars", "image"]


@dataclass(frozen=True)
class Table:
    """A table for people.

    Attributes:
        title: What it shows.
        header: Names of the columns.
        lines: Cells; as many a line as the header has.
        notes: Sentences below it.
    """

    title: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Light:
    """A traffic light.

    Attributes:
        title: What it judges.
        state: "grey" means that it cannot be measured on these sets.
        rule: What makes it green, amber and red, written out; set before anything is measured.
        reason: What was measured.
    """

    title: str
    state: State
    rule: str
    reason: str


@dataclass(frozen=True)
class Plot:
    """A plot's data; the report draws it by kind.

    - histogram: ``series`` {name: [values]}, ``x`` label, ``marks`` {name: value};
    - scatter: ``series`` {name: [[x, y], ...]};
    - lines: ``x`` [...], ``series`` {name: [...]}, ``bands`` {name: [[low, high], ...]},
      ``x_label``, ``y_label``, ``log``;
    - bars: ``labels`` [...], ``series`` {name: [...]}, ``intervals`` {name: [[low, high], ...]};
    - image: ``pixels`` [[...]] from 0 to 1, ``labels`` [...].

    Attributes:
        key: Name within the section.
        title: What it shows.
        caption: How to read it.
        kind: How it is drawn.
        data: JSON values, as above.
        private: It shows real images, so it goes to the private report only.
    """

    key: str
    title: str
    caption: str
    kind: Kind
    data: dict[str, Any]
    private: bool = False


@dataclass
class Section:
    """One part of a report.

    Attributes:
        key: Its name in report.json.
        title: Its heading.
        summary: Its result in one or two sentences.
        data: What was measured, as JSON values: the truth that all else here is made from.
        tables: For people.
        lights: Verdicts.
        plots: Pictures.
        warnings: What a reader must know before trusting it.
        methods: How it was measured, with ids, numbers, seeds and references.
    """

    key: str
    title: str
    summary: str
    data: dict[str, Any] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)

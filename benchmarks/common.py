"""What all benchmarks share: options, a results file that grows row by row, aligned tables."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmed.errors import SynthmedError

ROOT = Path(__file__).resolve().parents[1]
PROFILES = ("smoke", "cpu", "gpu")
Row = dict[str, Any]
"""One measured row: JSON values. A row with the key `withheld` has no timing and is redone."""


def parse(doc: str, argv: Sequence[str] | None) -> argparse.Namespace:
    """Read a benchmark's command line.

    Args:
        doc: The script's docstring, shown by `--help`.
        argv: The arguments; None takes the process's.

    Returns:
        `profile`, `model`, `data`, `results`, `fresh`.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", choices=PROFILES, default="smoke")
    parser.add_argument("--model", default="base-64", help="bundled name, or a generator's folder")
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT / "recipes/sources/base-64.yaml",
        help="list of sources with the real images",
    )
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks/results")
    parser.add_argument("--fresh", action="store_true", help="forget the rows of an earlier run")
    return parser.parse_args(argv)


class Results:
    """The results of one benchmark and profile, kept in `<folder>/<name>-<profile>.json`.

    Every row is written as soon as it is measured, so that a benchmark can be stopped at any time
    and continued, as long as nothing has changed that decides what the rows mean.

    Args:
        folder: Folder of the results.
        name: Name of the benchmark.
        profile: Name of the profile.
        facts: What the rows depend on: settings, model, machine; JSON values.
        fresh: Forget the rows of an earlier run.

    Raises:
        SynthmedError: The file holds rows of other facts.
    """

    def __init__(
        self, folder: Path, name: str, profile: str, facts: Mapping[str, Any], fresh: bool
    ) -> None:
        self.file = folder / f"{name}-{profile}.json"
        self.content: dict[str, Any] = {"benchmark": name, "profile": profile, **facts, "rows": {}}
        if self.file.is_file() and not fresh:
            earlier = json.loads(self.file.read_text())
            now = json.loads(json.dumps(self.content))
            if changed := [key for key in now if key != "rows" and earlier.get(key) != now[key]]:
                raise SynthmedError(
                    f"the results have another {', '.join(changed)}",
                    where=self.file.name,
                    mend="Begin anew with --fresh, or name another folder by --results.",
                )
            self.content = earlier

    @property
    def rows(self) -> dict[str, Row]:
        """The rows measured so far."""
        rows: dict[str, Row] = self.content["rows"]
        return rows

    def lacks(self, name: str) -> bool:
        """Whether a row has to be measured: it is missing, or its timing was withheld."""
        return "withheld" in self.rows.get(name, {"withheld": ""})

    def add(self, name: str, row: Row) -> None:
        """Keep a row and write the file."""
        self.rows[name] = row
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.content, indent=1, ensure_ascii=False) + "\n")
        os.replace(temporary, self.file)


@dataclass(frozen=True)
class Table:
    """A table for people.

    Attributes:
        title: What it shows.
        header: Names of the columns.
        lines: Cells; as many a line as the header has.
        notes: Sentences below it: targets, verdicts, how to read it.
    """

    title: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """The table in aligned columns."""
        every = [self.header, *self.lines]
        widths = [max(len(line[i]) for line in every) for i in range(len(self.header))]
        body = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in every
        ]
        rule = "  ".join("-" * width for width in widths)
        return "\n".join([self.title, "", body[0], rule, *body[1:], *self.notes])

    def markdown(self) -> str:
        """The table in Markdown."""
        rule = ["---"] * len(self.header)
        body = ["| " + " | ".join(line) + " |" for line in (self.header, rule, *self.lines)]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"**{self.title}**", "", *body, "", *notes]).rstrip() + "\n"


def show(tables: Sequence[Table]) -> None:
    """Print tables."""
    print("\n\n".join(table.text() for table in tables), flush=True)


def say(message: str) -> None:
    """Print a line about progress on standard error."""
    print(message, file=sys.stderr, flush=True)


def model_folder(name: str) -> tuple[Path, dict[str, Any]]:
    """Find a generator that plain diffusers opens too.

    Args:
        name: Name of a bundled one, or a folder.

    Returns:
        Its folder and its card.

    Raises:
        SynthmedError: There is none, or diffusers has no pipeline for it.
    """
    from synthmed.models.bundled import bundled_models

    folder = bundled_models().get(name, Path(name)).resolve()
    if not (folder / "synthmed.json").is_file():
        raise SynthmedError("no generator here", where=name, mend="Name a folder by --model.")
    card: dict[str, Any] = json.loads((folder / "synthmed.json").read_text())
    if not card["pipeline"]:
        raise SynthmedError("plain diffusers has no pipeline for this generator", where=name)
    return folder, card


def model_facts(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a results file says of the model."""
    return {key: card[key] for key in ("name", "hash", "parameters", "image_size")}


def run(main: Callable[[], None]) -> None:
    """Run a script's main function; an error is one line and an exit code."""
    try:
        main()
    except SynthmedError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("interrupted: the same command continues")
        sys.exit(130)


def interval(row: Mapping[str, Any], digits: int = 3) -> str:
    """A value with its 95 % interval, as `1.23 [1.1, 1.4]`."""
    value = f"{row['value']:.{digits}g}"
    if row.get("low") is None:
        return value
    return f"{value} [{row['low']:.{digits}g}, {row['high']:.{digits}g}]"

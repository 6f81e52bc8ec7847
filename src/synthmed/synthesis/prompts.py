"""Prompts: what to make, how many of each, and the key that an image's seed is made of."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from synthmed.errors import SynthmedError

_COLUMNS = (
    *("prompt", "count", "id", "guidance", "negative"),
    *("labels", "image_type", "view", "age", "sex", "domain"),
)


@dataclass(frozen=True)
class Prompt:
    """One line of an order: a prompt, and how its images are to be made.

    Attributes:
        text: The prompt; "" for a model that reads nothing but a domain.
        count: Number of images; None takes the run's count.
        id: The user's identifier, "" if there is none; a string, whatever it looks like.
        guidance: Guidance scale; None takes the run's.
        negative: Negative prompt; None takes the run's, "" is none at all.
        labels: Labels of the images, as the user states them.
        image_type: Type of the images, "" to find it in the prompt.
        view: View that was asked for, as the user states it, for the rows of the dataset.
        age: Age that was asked for, in years.
        sex: Sex that was asked for, "M" or "F".
        from_template: The prompt was made from templates, so that it may stand in image files.
        where: Where it was read, for messages ("prompts.csv, row 3").
        domain: Domain of the images, of those that the model knows; "" for none.
    """

    text: str
    count: int | None = None
    id: str = ""
    guidance: float | None = None
    negative: str | None = None
    labels: tuple[str, ...] = ()
    image_type: str = ""
    view: str = ""
    age: float | None = None
    sex: str | None = None
    from_template: bool = False
    where: str = field(default="", compare=False)
    domain: str = ""

    @property
    def key(self) -> str:
        """What the seeds of its images are made of: the id, else a hash of prompt and domain."""
        asked = f"{self.text}\n{self.domain}" if self.domain else self.text
        return self.id or prompt_hash(asked)[:16]


def prompt_hash(text: str) -> str:
    """Give the SHA-256 of a prompt's UTF-8 bytes, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


Order = str | os.PathLike[str] | Sequence[str | Prompt] | None
"""One prompt, the path of a CSV, a list; or None where a domain is all that is asked for."""


def as_prompts(prompts: Order, domain: str = "") -> list[Prompt]:
    """Make prompts of what `generate` takes.

    Args:
        prompts: One prompt, the path of a CSV (a `Path`, or text that ends in ".csv"), or a list;
            None is one blank prompt, if there is a domain.
        domain: Domain of the prompts that state none.

    Returns:
        At least one prompt, each with text or a domain; the ids are unique.

    Raises:
        SynthmedError: There is no prompt, a blank one, or an id occurs twice.
    """
    made = _made(prompts, domain)
    return [each if each.domain else replace(each, domain=domain) for each in made]


def _made(prompts: Order, domain: str) -> list[Prompt]:
    """The prompts as they are given."""
    if isinstance(prompts, os.PathLike) or (isinstance(prompts, str) and prompts.endswith(".csv")):
        return read_prompts(prompts)
    if isinstance(prompts, str):
        prompts = [prompts]
    if prompts is None:
        prompts = [Prompt("", domain=domain)] if domain else []
    made = [Prompt(_tidy(item)) if isinstance(item, str) else item for item in prompts]
    if not made:
        raise SynthmedError("there is no prompt", mend="Give at least one.")
    seen: dict[str, int] = {}
    for number, prompt in enumerate(made, 1):
        if not (prompt.text.strip() or prompt.domain):
            raise SynthmedError("the prompt is blank", where=f"prompt {number}")
        if prompt.id and prompt.id in seen:
            raise SynthmedError(
                f"id {prompt.id!r} occurs twice", where=f"prompts {seen[prompt.id]} and {number}"
            )
        seen[prompt.id] = number
    return made


def read_prompts(path: str | os.PathLike[str]) -> list[Prompt]:
    """Read prompts from a CSV (UTF-8, comma-separated, with a header row).

    Columns: `prompt` (required; not where `domain` is given), `count` (whole number from 1 to a
    million), `id` (unique), `guidance` (number of 0 or more), `negative`; `domain`, one that the
    model knows; and for the rows of the dataset `labels` (separated by "|"), `image_type`, `view`,
    `age` (years) and `sex` (M or F): what the prompt asks for. Blank cells take the run's value;
    other columns are left alone. Identifiers stay strings.

    Args:
        path: The CSV file. Rows are numbered as in a spreadsheet: the header is row 1.

    Returns:
        The prompts in the order of the rows.

    Raises:
        SynthmedError: The file cannot be read, is empty, lacks the column, or a cell is wrong.
    """
    name = Path(path).name
    rows = _rows(Path(path), name)
    if not rows:
        raise SynthmedError("the prompts file is empty", where=name, mend=_HEADER)
    header = [cell.strip() for cell in rows[0][1]]
    if not {"prompt", "domain"} & set(header):
        found = ", ".join(cell for cell in header if cell) or "none"
        raise SynthmedError(f"no column 'prompt' among {found}", where=name, mend=_HEADER)
    if twice := sorted({cell for cell in header if cell in _COLUMNS and header.count(cell) > 1}):
        raise SynthmedError(f"column {twice[0]!r} occurs twice", where=name)
    if len(rows) == 1:
        raise SynthmedError("the prompts file has no row below its header", where=name)
    prompts: list[Prompt] = []
    first: dict[str, int] = {}
    for number, cells in rows[1:]:
        where = f"{name}, row {number}"
        prompt = _prompt(header, cells, where)
        if prompt.id and prompt.id in first:
            raise SynthmedError(f"id {prompt.id!r} is also in row {first[prompt.id]}", where=where)
        first[prompt.id] = number
        prompts.append(prompt)
    return prompts


_MOST = 1_000_000  # images of one row
_HEADER = "Give a first row such as: prompt,count,id"


def _tidy(text: str) -> str:
    """Give a text with single spaces and no line breaks."""
    return " ".join(text.split())


def _rows(path: Path, name: str) -> list[tuple[int, list[str]]]:
    """Read the rows that are not blank, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except OSError as error:
        raise SynthmedError(f"cannot read the prompts: {error.strerror}", where=path) from None
    except UnicodeDecodeError:
        raise SynthmedError("the prompts file is not UTF-8 text", where=name) from None
    except csv.Error as error:
        raise SynthmedError(f"the prompts file is no CSV: {error}", where=name) from None
    return [(n, cells) for n, cells in enumerate(rows, 1) if any(cell.strip() for cell in cells)]


def _prompt(header: list[str], cells: list[str], where: str) -> Prompt:
    """Make the prompt of one row."""
    if len(cells) > len(header):
        raise SynthmedError(
            f"{len(cells)} cells under a header of {len(header)}",
            where=where,
            mend='Put a prompt with commas in "double quotes".',
        )
    pairs = zip(header, map(_tidy, cells), strict=False)
    values = {column: cell for column, cell in pairs if cell}
    if not {"prompt", "domain"} & set(values):
        raise SynthmedError("the prompt is blank", where=where)
    labels = (label.strip() for label in values.get("labels", "").split("|"))
    return Prompt(
        text=values.get("prompt", ""),
        count=_count(values.get("count"), where),
        id=values.get("id", ""),
        guidance=_number(values.get("guidance"), "guidance", where),
        negative=values.get("negative"),
        labels=tuple(label for label in labels if label),
        image_type=values.get("image_type", ""),
        view=values.get("view", ""),
        age=_number(values.get("age"), "age", where),
        sex=_sex(values.get("sex"), where),
        where=where,
        domain=values.get("domain", ""),
    )


def _count(cell: str | None, where: str) -> int | None:
    if cell is None:
        return None
    digits = cell.isascii() and cell.isdigit() and len(cell) < 10
    if not digits or not 1 <= int(cell) <= _MOST:
        raise SynthmedError(f"count {cell!r} is not a whole number from 1 to {_MOST}", where=where)
    return int(cell)


def _number(cell: str | None, column: str, where: str) -> float | None:
    if cell is None:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise SynthmedError(f"{column} {cell!r} is not a number of 0 or more", where=where)
    return value


def _sex(cell: str | None, where: str) -> str | None:
    if cell not in (None, "M", "F"):
        raise SynthmedError(f"sex {cell!r} is neither M nor F", where=where)
    return cell

"""What a worker does with an item: read, de-identify, write the images, give back the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmed.datasets.importers.identifiers import find_identifiers
from synthmed.datasets.importers.items import DAY, Importer, Item, Mask, Picture, RejectedError
from synthmed.datasets.importers.pseudonyms import Pseudonyms
from synthmed.datasets.importers.splitting import Shares, split_of
from synthmed.datasets.writing import spec_columns
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_mask, write_png

TEXT_COLUMNS = (
    "text",
    "report",
    "description",
    "findings",
    "impression",
    "indication",
    "comparison",
)

LEAST = 5  # characters; a shorter id ("12") is a word of any text


@dataclass
class Done:
    """What came of one item.

    Attributes:
        rows: The cells of its rows, with `split`, and `items.DAY` where a date is known.
        rejected: File and reason.
        specs: The rows' specs, each once, as dictionaries.
        uids: The uid of each row, "" where it has none.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    specs: list[dict[str, object]] = field(default_factory=list)
    uids: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Worker:
    """Turns items into rows and images; pickled to the worker processes.

    Attributes:
        importer: The source.
        out: The dataset folder.
        pseudonyms: What replaces identifiers.
        shares: Shares of train, val and test.
        seed: Seed of the splits.
    """

    importer: Importer
    out: Path
    pseudonyms: Pseudonyms
    shares: Shares
    seed: int

    def __call__(self, item: Item) -> Done:
        """Read an item; whatever its file holds, the outcome is rows or reasons.

        Raises:
            SynthmedError: The images cannot be written.
        """
        done = Done()
        for picture in _guarded(self.importer.read(item), item, done):
            row = self._row(picture, item)
            if picture.x is not None and picture.spec is not None:
                try:
                    self._write(picture, row, item)
                except SynthmedError as error:
                    if isinstance(error.__cause__, OSError):
                        raise
                    done.rejected.append((item.key + picture.suffix, _without_paths(str(error))))
                    continue
                spec = picture.spec.to_dict()
                if spec not in done.specs:
                    done.specs.append(spec)
            done.rows.append(row)
            done.uids.append(self.pseudonyms.of("uid", picture.uid) if picture.uid else "")
        return done

    def _row(self, picture: Picture, item: Item) -> dict[str, Any]:
        hide = self.pseudonyms
        group = hide.group(picture.patient or f"item\x1f{item.key}")
        row: dict[str, Any] = {
            "split": picture.split or split_of(group, self.shares, self.seed, hide)
        }
        row.update(picture.cells)
        self._replace_secrets(row, picture.secrets)
        row["group_id"] = group
        if picture.study:
            row["study_id"] = "study-" + hide.of("study", picture.study)
        if picture.series:
            row["series_id"] = "series-" + hide.of("series", picture.series)
        if picture.day is not None:
            row[DAY] = hide.shifted_day(group, picture.day)
        texts = [str(row[name]) for name in TEXT_COLUMNS if row.get(name)]
        if found := sorted({kind for text in texts for kind in find_identifiers(text)}):
            row["identifiers_found"] = ", ".join(found)
        return row

    def _replace_secrets(self, row: dict[str, Any], secrets: tuple[str, ...]) -> None:
        for secret in (text for text in secrets if len(text) >= LEAST):
            word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", re.IGNORECASE)
            pseudonym = self.pseudonyms.of("secret", secret)
            for name, value in row.items():
                if isinstance(value, str):
                    row[name] = word.sub(pseudonym, value)

    def _write(self, picture: Picture, row: dict[str, Any], item: Item) -> None:
        assert picture.x is not None
        assert picture.spec is not None
        stem = f"{item.number:07d}{picture.suffix}"
        folder = self.out / row["split"]
        row["file_name"] = f"images/{stem}.png"
        bits = 16 if picture.spec.bits > 8 else 8
        write_png(folder / row["file_name"], picture.x, bits=bits)
        row.update(spec_columns(picture.spec))
        size = picture.x.shape[-2:]
        if picture.mask is not None:
            row["mask_file_name"] = _write_mask(folder, f"masks/{stem}.png", picture.mask, size)
        if picture.masks:
            row["masks"] = {
                name: _write_mask(folder, f"masks/{stem}__{index}.png", mask, size)
                for index, (name, mask) in enumerate(picture.masks.items())
            }


def _guarded(pictures: Iterator[Picture], item: Item, done: Done) -> Iterator[Picture]:
    """Give an item's pictures; an error of the reading becomes a reason, and ends the item."""
    while True:
        try:
            picture = next(pictures)
        except StopIteration:
            return
        except (RejectedError, SynthmedError) as error:
            done.rejected.append((item.key, _without_paths(str(error))))
            return
        except Exception as error:  # a hostile file must not end the run
            reason = f"cannot read it: {type(error).__name__}: {error}"
            done.rejected.append((item.key, _without_paths(reason)[:300]))
            return
        yield picture


def _without_paths(reason: str) -> str:
    """Give a reason in one line, without the places on this machine that it names."""
    return " ".join(re.sub(r" \[[^\]]*[/\\][^\]]*\]", "", reason).split())


def _write_mask(folder: Path, name: str, mask: Mask, size: tuple[int, ...]) -> str:
    if mask.shape != size:
        raise SynthmedError(f"the mask is {mask.shape} pixels, its image {size}", where=name)
    write_mask(folder / name, mask)
    return name

"""One run of renders: CT by CT, pose by pose, into the dataset folder."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from synthmed.datasets.importers.pseudonyms import Pseudonyms
from synthmed.datasets.importers.splitting import Shares, split_of
from synthmed.errors import SynthmedError
from synthmed.transport.seeds import row_seed
from synthmed.xray.ct import CT
from synthmed.xray.organs import groups_present
from synthmed.xray.render_journal import Journal
from synthmed.xray.render_plan import Job, Plan
from synthmed.xray.render_rows import (
    MODALITY,
    Subject,
    cells_of,
    file_hash,
    file_name,
    write_image,
    write_masks,
)
from synthmed.xray.simulate import Render, simulate
from synthmed.xray.sources import Source
from synthmed.xray.table import without_table

Progress = Callable[[int, int], None]


@dataclass
class Run:
    """What a run needs, and what comes of it.

    Attributes:
        out: The dataset folder.
        plan: What is made of every CT.
        sources: The CTs.
        pseudonyms: Make the groups.
        split: The split of all, or the shares of train, val and test.
        seed: Seed of the run.
        bits: Bits of the files, 8 or 16.
        organs: Groups of organs to project as masks.
        names: Organ name by label number.
        cells: `body_part` and `image_type`, where the caller names them.
        keep_table: Leave the scanner's table in the CT.
        progress: Told (poses done, poses).
        rejected: Name and reason of what could not be rendered.
        notes: Warnings.
        made: Images made.
    """

    out: Path
    plan: Plan
    sources: list[Source]
    pseudonyms: Pseudonyms
    split: str | Shares
    seed: int
    bits: int
    organs: Mapping[str, tuple[str, ...]]
    names: dict[int, str]
    cells: Mapping[str, str]
    keep_table: bool = False
    progress: Progress | None = None
    rejected: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    made: int = 0
    _seen: dict[str, str] = field(default_factory=dict)

    def work(self, journal: Journal) -> None:
        """Render what the journal lacks.

        Raises:
            SynthmedError: The only CT cannot be read; a CT has changed since the run began; a full
                disk.
        """
        total = self.plan.poses * len(self.sources)
        for number, source in enumerate(self.sources):
            done = journal.of(number)
            jobs = [job for job in self.plan.jobs() if job.name not in done]
            self._tell(number * self.plan.poses + len(done), total)
            known = {i["cells"]["extra"]["source_hash"] for job in done.values() for i in job}
            if not jobs:
                self._seen.update(dict.fromkeys(known, source.name))
                continue
            try:
                ct, organs = self._read(source, known)
            except SynthmedError as error:
                if known or len(self.sources) == 1:
                    raise
                self._reject(source.name, source.reason(error))
                continue
            subject = self._subject(number, source, ct)
            for place, job in enumerate(jobs, number * self.plan.poses + len(done) + 1):
                if images := self._pose(ct, subject, job, organs, source.name):
                    journal.append(number, job.name, images)
                self._tell(place, total)

    def entries(self, journal: Journal) -> Iterator[dict[str, Any]]:
        """Give the entries of all images, in the order of the plan."""
        for number in range(len(self.sources)):
            for job in self.plan.jobs():
                yield from journal.poses.get((number, job.name), ())

    def _read(self, source: Source, known: set[str]) -> tuple[CT, dict[str, tuple[int, ...]]]:
        """Read a CT and find its organs.

        Raises:
            SynthmedError: It cannot be read, lacks the organs, was there before, or has changed.
        """
        ct = source.read(self.names)
        if known and known != {ct.key}:
            raise SynthmedError(
                "the CT has changed since the run began",
                where=source.name,
                mend="Name another folder for the renders.",
            )
        if ct.key in self._seen:
            raise SynthmedError(f"the same volume as {self._seen[ct.key]}")
        self._seen[ct.key] = source.name
        if not self.keep_table:
            ct = replace(ct, hu_XYZ=without_table(ct.hu_XYZ, ct.affine))
        return ct, self._organs(source, ct)

    def _organs(self, source: Source, ct: CT) -> dict[str, tuple[int, ...]]:
        if not self.organs:
            return {}
        found = groups_present(self.organs, self.names, ct.labels_XYZ, source.name)
        if missing := [group for group in self.organs if group not in found]:
            note = f"{source.name} has no {', '.join(missing)}: its rows lack these masks"
            self.notes.append(note)
            warnings.warn(note, stacklevel=2)
        return found

    def _subject(self, number: int, source: Source, ct: CT) -> Subject:
        group = self.pseudonyms.group(source.subject)
        split = self.split
        if not isinstance(split, str):
            split = split_of(group, split, self.seed, self.pseudonyms)
        cells = {**source.facts, **{k: v for k, v in self.cells.items() if v}}
        part = str(cells.get("body_part", ""))
        cells.setdefault("image_type", f"{part} {MODALITY}".strip())
        return Subject(number, group, split, ct.key, cells)

    def _pose(
        self,
        ct: CT,
        subject: Subject,
        job: Job,
        organs: Mapping[str, tuple[int, ...]],
        name: str,
    ) -> list[dict[str, Any]]:
        """Render one pose at its exposures and write the files; [] if it cannot be rendered."""
        seed = row_seed(self.seed, f"{ct.key}:{job.name}")
        try:
            scene = self.plan.scene(job, seed)
            renders = simulate(ct, scene, job.exposures, seed, organs)
        except SynthmedError as error:
            self._reject(name, f"pose {job.name}: {error}")
            return []
        images = []
        for exposure, render in zip(job.exposures, renders, strict=True):
            cells = cells_of(subject, job, exposure, scene, seed, render.window)
            images.append(self._write(subject, file_name(subject, job, exposure), cells, render))
        return images

    def _write(
        self, subject: Subject, name: str, cells: dict[str, Any], render: Render
    ) -> dict[str, Any]:
        folder = self.out / subject.split
        write_image(folder / name, render.image, self.bits, cells)
        masks = write_masks(folder / name, render.masks)
        self.made += 1
        hashes = {file: file_hash(folder / file) for file in (name, *masks.values())}
        return {
            "split": subject.split,
            "file": name,
            "masks": masks,
            "cells": cells,
            "sha256": hashes,
        }

    def _reject(self, name: str, reason: str) -> None:
        self.rejected.append((name, reason))
        warnings.warn(f"{name}: {reason}", stacklevel=2)

    def _tell(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(done, total)

"""The work of a translation: batch by batch, written at once, continued after a kill."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from synthmed.errors import SynthmedError
from synthmed.synthesis.editing import EditSettings
from synthmed.synthesis.journal import JOURNAL, PLAN, Journal, file_hash
from synthmed.synthesis.plan import Plan
from synthmed.synthesis.translate_batches import Editor
from synthmed.synthesis.translate_conditions import conditions_of
from synthmed.synthesis.translate_images import Framed, finished, open_framed
from synthmed.synthesis.translate_items import Source, Sources, by_domain
from synthmed.synthesis.translate_loose import check_loose
from synthmed.synthesis.translate_output import REJECTED, Output
from synthmed.training.bars import stage
from synthmed.xray.place_names import without_places

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

Entry = dict[str, Any]
"""A line of the journal: the `key` of a source, and `reason`, or `sha256` and `spec`."""


@dataclass
class TranslationRun:
    """A translation that is under way.

    Attributes:
        generator: The model.
        sources: What is translated.
        out: The dataset folder.
        plan: What decides its bytes.
        settings: How images are edited; each source domain has a depth of its own in the plan.
        about: What dataset.json says besides.
        images: Images of the finished dataset.
        rejected: File and reason of what could not be translated.
    """

    generator: Generator
    sources: Sources
    out: Path
    plan: Plan
    settings: EditSettings
    about: Mapping[str, Any]
    images: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare the editor, which remembers the batch size that fits."""
        self.output = Output(self.out, self.plan.settings)
        self.editor = Editor(self.generator, self.plan.batch_size)

    def fill(self, *, progress: bool) -> int:
        """Make what the folder lacks, finish the dataset, and give the number of images made.

        Args:
            progress: Show a progress bar.

        Raises:
            SynthmedError: No image can be translated, or a finished dataset lacks images.
        """
        journal = Journal(self.out / JOURNAL)
        if (self.out / "dataset.json").exists():
            self._check_finished()
            journal.path.unlink(missing_ok=True)
            return 0
        entries = {entry["key"]: entry for entry in journal.read()}
        for leftover in self.out.rglob(".*.tmp"):
            leftover.unlink(missing_ok=True)
        batches = [
            batch
            for batch in by_domain(self.sources.images, self.plan.batch_size)
            if not all(self._is_done(source, entries.get(source.key)) for source in batch)
        ]
        todo = sum(len(batch) for batch in batches)
        done, total, made = len(self.sources.images) - todo, len(self.sources.images), 0
        with stage("images", shown=progress) as report:
            report(done, total, {})
            for batch in batches:
                news = self._batch(batch)
                journal.append(news)
                entries.update({entry["key"]: entry for entry in news})
                made += sum("spec" in entry for entry in news)
                done += len(batch)
                report(done, total, {})
        self._finish(entries)
        journal.path.unlink(missing_ok=True)
        return made

    def _is_done(self, source: Source, entry: Entry | None) -> bool:
        if entry is None:
            return False
        return "reason" in entry or entry["sha256"] == file_hash(self.output.path(source))

    def _batch(self, batch: Sequence[Source]) -> list[Entry]:
        """Translate and write one batch; what cannot be read gets its reason."""
        opened: list[tuple[Source, Framed]] = []
        entries: list[Entry] = []
        types = self.generator.types
        grey = bool(types) and all(entry.get("grey") for entry in types)
        for source in batch:
            try:
                if source.loose:
                    check_loose(source.row.file)
                framed = open_framed(source.row.file, self.generator.image_size, grey_only=grey)
                opened.append((source, framed))
            except Exception as error:  # a hostile file must not end the run
                entries.append({"key": source.key, "reason": _reason(error, source)})
        if not opened:
            return entries
        rows = [replace(source.row, domain=source.domain) for source, _ in opened]
        told = [conditions_of(self.generator, row) for row in rows]
        domains = batch[0].domain, str(self.plan.settings["target"])
        one, other = ([{**record, "domain": domain} for record in told] for domain in domains)
        settings = replace(self.settings, depth=self.plan.settings["depths"][domains[0]])
        made = self.editor([framed.square for _, framed in opened], one, other, settings)
        for (source, framed), (edited, rebuilt) in zip(opened, made, strict=True):
            self.output.write(source, finished(framed, edited, rebuilt), framed.spec)
            digest = file_hash(self.output.path(source))
            spec = framed.spec.to_dict()
            entries.append({"key": source.key, "sha256": digest, "spec": spec})
        return entries

    def _finish(self, entries: Mapping[str, Entry]) -> None:
        self.rejected = [
            *self.sources.rejected,
            *(
                (source.name, entries[source.key]["reason"])
                for source in self.sources.images
                if "reason" in entries[source.key]
            ),
        ]
        self.images = sum("spec" in entries[source.key] for source in self.sources.images)
        if not self.images:
            for name in (JOURNAL, PLAN):  # so that another call may use the folder
                (self.out / name).unlink(missing_ok=True)
            raise SynthmedError(
                f"no image can be translated; the first: {self.rejected[0][1]}",
                where=self.rejected[0][0],
            )
        self.output.finish(self.sources, entries, self.rejected, self.about)

    def _check_finished(self) -> None:
        """Count what a finished dataset holds.

        Raises:
            SynthmedError: Images of it are lost.
        """
        rejected = self.out / REJECTED
        if rejected.is_file():
            with rejected.open(newline="", encoding="utf-8") as lines:
                self.rejected = [(row["file"], row["reason"]) for row in csv.DictReader(lines)]
        bad = {file for file, _ in self.rejected}
        wanted = [source for source in self.sources.images if source.name not in bad]
        if lost := sum(not self.output.path(source).is_file() for source in wanted):
            raise SynthmedError(
                f"the finished dataset lacks {lost} of its images",
                where=self.out,
                mend="Name a new folder.",
            )
        self.images = len(wanted)


def _reason(error: Exception, source: Source) -> str:
    """Why an image was rejected, in one line and without the place on this machine."""
    text = str(error)
    if not isinstance(error, SynthmedError):
        text = f"cannot read it: {type(error).__name__}: {text}"
    file, folder = source.row.file, str(PurePosixPath(source.name).parent)
    text = without_places(" ".join(text.split()), {file: source.name, file.parent: folder})
    return text[:300]

"""Redraw: new images for the prompts of rejected rows, by the seed contract of `generate`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmed.datasets.folder import DatasetFolder
from synthmed.datasets.rows import Row, as_text
from synthmed.synthesis.domains import check_records, domains_of, record_of
from synthmed.synthesis.filters.materials import Materials
from synthmed.synthesis.filters.record import filters_of
from synthmed.synthesis.generate import open_model
from synthmed.synthesis.output import Output
from synthmed.synthesis.plan import Job, Plan
from synthmed.synthesis.prompts import Prompt, prompt_hash
from synthmed.synthesis.sampling import Sampler, Sampling
from synthmed.transport.seeds import row_seed

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

_GROUP = re.compile(r"synthetic:(?P<key>.+)-(?P<copy>\d{1,9})")


class Redraw:
    """Draws replacements into the folder of the new dataset.

    The seed of a replacement is a hash of (run seed, row key, copy number), as in `generate`; its
    copy number is one that the source, and earlier filters of it, have not used. Steps, solver
    and guidance are those of the source where the same generator made it.

    Args:
        model: A Generator, a folder, or the name of a bundled one.
        source: The dataset that is filtered.
        folder: The folder of the new dataset.
        materials: Its `seed` counts where the source does not name its own; gets the warnings.
        batch_size: Images evaluated together.
        device: "auto", "cpu", "cuda", ...
        dtype: "auto", "float32" or "bfloat16".

    Raises:
        SynthmedError: No such model, or one that cannot read the prompts.
    """

    def __init__(
        self,
        model: Generator | str | os.PathLike[str],
        source: DatasetFolder,
        folder: Path,
        materials: Materials,
        *,
        batch_size: int = 32,
        device: str = "auto",
        dtype: str = "auto",
    ) -> None:
        self.model = open_model(model, device=device, dtype=dtype)
        self.folder, self.batch_size = folder, batch_size
        made = source.info.get("generation")
        made = made if isinstance(made, dict) else {}
        if made.get("generator_hash") != self.model.hash:
            materials.warn("the source was made by another generator than --redraw names")
            known: dict[str, Any] = {}
        else:
            names = {field.name for field in fields(Sampling)}
            known = {name: made[name] for name in names & made.keys()}
        self.sampling = Sampling(**{**self.model.card.get("sampling", {}), **known})
        seed = made.get("seed")
        self.seed = seed if isinstance(seed, int) else materials.seed
        self.embed = made.get("embed_prompt") is True
        self.next_copy = self._first_copies(source)
        self.domains = domains_of(self.model)
        prompts = (self._prompt(row, "") for row in source.rows)
        check_records(self.model, (record_of(self.model, p.text, p.domain) for p in prompts))

    def _first_copies(self, source: DatasetFolder) -> dict[str, int]:
        """The first unused copy number of each key."""
        copies: dict[str, int] = {}
        floor = max([0, *(int(entry.get("next_copy", 0)) for entry in filters_of(source.info))])
        for row in source.rows:
            key, copy = key_and_copy(row)
            copies[key] = max(copies.get(key, floor), copy + 1)
        return copies

    @property
    def highest(self) -> int:
        """The first copy number that no key has used."""
        return max(self.next_copy.values(), default=0)

    def draw(self, rows: Sequence[Row]) -> list[Row]:
        """Draw one replacement for each row and write its image.

        Args:
            rows: Rejected rows for which `redrawable` holds; or earlier replacements of these.

        Returns:
            Their replacements: the same prompt, labels and split; a new file, seed and group.
        """
        jobs = [self._job(index, row) for index, row in enumerate(rows)]
        replacements: dict[int, Row] = {}
        for split in sorted({row.split for row in rows}):
            chosen = [job for job, row in zip(jobs, rows, strict=True) if row.split == split]
            output = self._output(chosen, split)
            sampler = Sampler(self.model, self.sampling, output.plan.batch_size)
            for batch in output.plan.batches():
                for job, image in zip(batch, sampler(batch).numpy(), strict=True):
                    output.write(job, image)
                    replacements[job.index] = _replaced(rows[job.index], output.row(job))
        return [replacements[index] for index in range(len(rows))]

    def _job(self, index: int, row: Row) -> Job:
        key, _ = key_and_copy(row)
        copy = self.next_copy[key]
        self.next_copy[key] = copy + 1
        guidance = row.extra.get("guidance")
        scale = float(guidance) if isinstance(guidance, int | float) else self.sampling.guidance
        negative = as_text(row.extra.get("negative_prompt")) or None
        return Job(
            index, self._prompt(row, key), copy, row_seed(self.seed, key, copy), scale, negative
        )

    def _prompt(self, row: Row, key: str) -> Prompt:
        """What a row was made of; its domain only if the model knows it."""
        return Prompt(
            text=as_text(row.extra.get("prompt")),
            id=key,
            labels=row.labels,
            image_type=row.image_type,
            domain=row.domain if row.domain in self.domains else "",
        )

    def _output(self, jobs: Sequence[Job], split: str) -> Output:
        settings = {
            "generator": self.model.name,
            "generator_hash": self.model.hash,
            **asdict(self.sampling),
            "split": split,
            "embed_prompt": self.embed,
        }
        types: dict[Prompt, str] = {}
        for prompt in dict.fromkeys(job.prompt for job in jobs):
            entry = None if prompt.image_type else self.model.type_of(prompt.text)
            types[prompt] = str(entry["name"]) if entry else prompt.image_type
        channels = {kind: self.model.channels(kind) for kind in types.values()}
        plan = Plan(settings, tuple(jobs), min(self.batch_size, len(jobs)))
        return Output(self.folder, plan, types, channels)


def redrawable(row: Row) -> bool:
    """Tell whether a row's image is made of its prompt alone: no mask, boxes or source image."""
    bound = row.mask_file or row.masks or row.boxes or row.extra.get("source_file")
    return bool(as_text(row.extra.get("prompt"))) and not bound


def key_and_copy(row: Row) -> tuple[str, int]:
    """Give the key and the copy number of a synthetic row, from its group "synthetic:key-copy".

    Rows of another maker get the key that `generate` gives to a prompt without an id, and 0.
    """
    match = _GROUP.fullmatch(row.group_id)
    if match:
        return match["key"], int(match["copy"])
    return prompt_hash(as_text(row.extra.get("prompt")))[:16], 0


def _replaced(old: Row, new: Row) -> Row:
    """The old row with the new image and what is known of it."""
    return replace(
        old,
        file=new.file,
        file_name=new.file_name,
        group_id=new.group_id,
        image_type=new.image_type,
        extra={**old.extra, **new.extra},
    )

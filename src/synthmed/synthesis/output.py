"""What a run writes: an image file a job, then the tables and dataset.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit
from synthmed.imaging.writing import write_png
from synthmed.synthesis.labels import labels_of
from synthmed.synthesis.plan import Job, Plan
from synthmed.synthesis.prompts import Prompt
from synthmed.synthesis.provenance import DIGITAL_SOURCE_TYPE, NOTICE, text_chunks, xmp_packet

_OLDEST = 90.0
"""Ages above become this, as in every dataset folder."""


@dataclass(frozen=True)
class Output:
    """The dataset folder of a run.

    Attributes:
        out: The folder.
        plan: The run's plan; its settings name the generator, steps, split and so on.
        types: Name of the image type by prompt, "" where it is unknown.
        channels: Channels of the files by name of the image type, 1 or 3.
    """

    out: Path
    plan: Plan
    types: Mapping[Prompt, str]
    channels: Mapping[str, int]

    @property
    def images(self) -> Path:
        """The folder of the images: the split's."""
        return self.out / str(self.plan.settings["split"])

    def path(self, job: Job) -> Path:
        """Give the path of a job's image."""
        return self.images / job.file_name

    def write(self, job: Job, image: npt.NDArray[Any]) -> None:
        """Write one image, grey types with one channel, marked as synthetic.

        Args:
            job: What it was made of.
            image: (3, H, W) in [-1, 1].

        Raises:
            SynthmedError: The disk is full, or the image holds NaN.
        """
        if self.channels[self.types[job.prompt]] == 1:
            image = image.mean(axis=0, keepdims=True)
        settings = self.plan.settings
        chunks = text_chunks(
            job,
            generator=settings["generator"],
            generator_hash=settings["generator_hash"],
            embed_prompt=settings["embed_prompt"],
        )
        write_png(self.path(job), image, chunks, xmp_packet(chunks))

    def row(self, job: Job) -> Row:
        """Give a job's row of the dataset: what it shows and how it was made."""
        settings, prompt = self.plan.settings, job.prompt
        kind = self.types[prompt]
        extra: dict[str, Any] = {
            "synthetic": True,
            "prompt": prompt.text,
            "negative_prompt": job.negative or "",
            "seed": job.seed,
            "generator": settings["generator"],
            "generator_hash": settings["generator_hash"],
            "guidance": job.guidance,
            "steps": settings["steps"],
        }
        return Row(
            file=self.path(job),
            file_name=job.file_name,
            split=settings["split"],
            group_id=job.group_id,
            text=prompt.text,
            image_type=kind,
            labels=prompt.labels or labels_of(prompt.text, kind),
            view=prompt.view,
            age=None if prompt.age is None else min(prompt.age, _OLDEST),
            sex=prompt.sex,
            domain=prompt.domain,
            extra=extra,
        )

    def finish(self) -> None:
        """Write the tables in the order of the jobs, and dataset.json last.

        Raises:
            SynthmedError: The disk is full, or an image is missing.
        """
        kinds = {self.types[job.prompt] for job in self.plan.jobs}
        channels = max(self.channels[kind] for kind in kinds)
        about = {
            "synthetic": True,
            "notice": NOTICE,
            "digital_source_type": DIGITAL_SOURCE_TYPE,
            "generation": dict(self.plan.settings),
        }
        writer = DatasetWriter(self.out, spec_8bit(channels, "PNG"), about)
        for job in self.plan.jobs:
            writer.add(self.row(job), None)
        writer.finish()

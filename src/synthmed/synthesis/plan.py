"""The plan of a run: one job an image, in fixed batches, and the settings that decide its bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from synthmed.synthesis.prompts import Prompt
from synthmed.transport.seeds import row_seed

_SAFE = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_UNSAFE = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Job:
    """One image to make.

    Attributes:
        index: Its place in the dataset, counted from 0.
        prompt: What it is made of.
        copy: Number of the copy within its key, counted from 0.
        seed: Seed of its noise: a hash of (run seed, key, copy).
        guidance: Guidance scale.
        negative: Negative prompt, None for none.
    """

    index: int
    prompt: Prompt
    copy: int
    seed: int
    guidance: float
    negative: str | None

    @property
    def group_id(self) -> str:
        """The image is a patient of its own: 'synthetic:<key>-<copy>'."""
        return f"synthetic:{self.prompt.key}-{self.copy}"

    @property
    def file_name(self) -> str:
        """File name of the image, the same whatever else the run makes."""
        return f"{_stem(self.prompt.key)}-{self.copy:04d}.png"


@dataclass(frozen=True)
class Plan:
    """All jobs of a run and the settings that decide what they give.

    Attributes:
        settings: What decides the bytes of the dataset; JSON values.
        jobs: One an image.
        batch_size: Images evaluated together; incomplete batches are padded to it.
    """

    settings: Mapping[str, Any]
    jobs: tuple[Job, ...]
    batch_size: int

    @property
    def hash(self) -> str:
        """SHA-256 of the settings, 64 hexadecimal digits."""
        return _digest(self.settings)

    def batches(self) -> list[tuple[Job, ...]]:
        """Split the jobs into batches of one guidance and one negative prompt each."""
        groups: dict[tuple[float, str | None], list[Job]] = {}
        for job in self.jobs:
            groups.setdefault((job.guidance, job.negative), []).append(job)
        size = self.batch_size
        return [
            tuple(jobs[start : start + size])
            for jobs in groups.values()
            for start in range(0, len(jobs), size)
        ]


def make_plan(
    prompts: Sequence[Prompt],
    *,
    count: int,
    seed: int,
    batch_size: int,
    guidance: float,
    negative: str | None,
    settings: Mapping[str, Any],
) -> Plan:
    """Expand prompts to one job an image.

    Rows of the same prompt without ids share a key; their copies are numbered on, so that no two
    images have one seed.

    Args:
        prompts: The rows of the order.
        count: Images of a row that states no count.
        seed: Seed of the run.
        batch_size: Images evaluated together at most.
        guidance: Guidance scale of a row that states none.
        negative: Negative prompt of a row that states none.
        settings: What else decides the bytes: generator, steps, solver and so on.

    Returns:
        The plan; its batch size is never above the number of images.
    """
    copies: Counter[str] = Counter()
    jobs: list[Job] = []
    for prompt in prompts:
        scale = guidance if prompt.guidance is None else prompt.guidance
        avoid = (negative if prompt.negative is None else prompt.negative) or None
        for _ in range(count if prompt.count is None else prompt.count):
            copy = copies[prompt.key]
            copies[prompt.key] += 1
            image_seed = row_seed(seed, prompt.key, copy)
            jobs.append(Job(len(jobs), prompt, copy, image_seed, scale, avoid))
    size = min(batch_size, len(jobs))
    order = [[j.copy, j.guidance, j.negative, *_facts(j.prompt)] for j in jobs]
    whole = {**settings, "seed": seed, "batch_size": size, "images": len(jobs)}
    return Plan({**whole, "prompts": _digest(order)}, tuple(jobs), size)


def _facts(prompt: Prompt) -> tuple[Any, ...]:
    """What a prompt says, without where it was read; without its last field, a blank domain."""
    values = dataclasses.astuple(replace(prompt, where=""))
    return values if prompt.domain else values[:-1]


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _stem(key: str) -> str:
    """Give the part of a file name that stands for a key, unique on every file system."""
    if _SAFE.fullmatch(key):
        return key
    readable = _UNSAFE.sub("-", key.lower()).strip("-")[:48] or "row"
    return f"{readable}-{hashlib.sha256(key.encode('utf-8')).hexdigest()[:8]}"

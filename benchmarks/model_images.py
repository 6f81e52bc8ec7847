"""The images that `model_quality` judges: real ones, and those that a generator makes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.common import say
from benchmarks.data import eight_bits, load_framed, slug
from benchmarks.judges import Attribute, JudgeRecipe
from benchmarks.samplers import SEED, Order
from synthmed.datasets.captions import caption
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.models.generator import Generator
from synthmed.synthesis.sampling import Sampling
from synthmed.transport.guidance import Guidance

Images = npt.NDArray[np.float32]
BATCH = 32
HELD_OUT = ("val", "test")


@dataclass(frozen=True)
class Real:
    """Real images, their rows and patients; `(N, 3, S, S)` in [-1, 1]."""

    images: Images
    rows: list[Row]

    @property
    def groups(self) -> list[str]:
        """Patient of each image."""
        return [row.group_id for row in self.rows]


@dataclass(frozen=True)
class Scene:
    """What is judged, and what it is judged by.

    Attributes:
        generator: Makes the images.
        sampling: How.
        recipe: The judges.
        rows: Real rows of the judged types, of all splits.
        types: The judged types.
        count: Images made for each type and for each attribute.
        work: Folder where made images are kept; not for publishing.
    """

    generator: Generator
    sampling: Sampling
    recipe: JudgeRecipe
    rows: list[Row]
    types: list[str]
    count: int
    work: Path

    @cached_property
    def _framed(self) -> Images:
        return load_framed(self.rows, self.generator.image_size)

    def real(self, image_type: str, *splits: str) -> Real:
        """The real images of a type in some splits; "" takes all types."""
        chosen = [
            i
            for i, row in enumerate(self.rows)
            if row.split in splits and image_type in ("", row.image_type)
        ]
        return Real(self._framed[chosen], [self.rows[i] for i in chosen])

    @cached_property
    def prompts(self) -> dict[str, str]:
        """Captions of the held-out rows that the generator can read, by image file."""
        texts = {str(row.file): caption(row, "simple") for row in self.real("", *HELD_OUT).rows}
        readable = {text for text in set(texts.values()) if self._reads(text)}
        return {file: text for file, text in texts.items() if text in readable}

    def _reads(self, text: str) -> bool:
        try:
            self.generator.condition([text])
        except SynthmedError:
            return False
        return True

    def orders(self, image_type: str) -> list[Order]:
        """Orders of a type: the captions of its test rows, each used about equally often."""
        return self._orders(slug(image_type), self.real(image_type, "test").rows, self.count)

    def answers(self, attribute: Attribute) -> tuple[list[Order], list[Order]]:
        """Orders whose prompts say no, and as many whose prompts say yes.

        The prompts are captions of held-out rows, so that on both sides the same is asked for.
        """
        held_out = [row for row in self.rows if row.split in HELD_OUT]
        labels, key = attribute.labels(held_out), slug(attribute.name)
        no, yes = ([held_out[i] for i in np.flatnonzero(labels == side)] for side in (0, 1))
        half = self.count // 2
        return self._orders(f"{key}-no", no, half), self._orders(f"{key}-yes", yes, half)

    def _orders(self, key: str, rows: Sequence[Row], count: int) -> list[Order]:
        """Orders of the rows' captions, the rows in turns."""
        return [
            Order(f"{key}-{i:05d}", self.prompts[str(row.file)], row.image_type, row.group_id)
            for i, row in enumerate(self._turns(rows, count))
        ]

    def _turns(self, rows: Sequence[Row], count: int) -> list[Row]:
        """`count` rows with a readable caption, in a fixed random order; none if none has one."""
        usable = [row for row in rows if str(row.file) in self.prompts]
        order = np.random.default_rng(SEED).permutation(len(usable))
        return [usable[order[i % len(usable)]] for i in range(count if usable else 0)]

    def pairs(self, image_type: str, count: int) -> Images:
        """Real test images and images made from their captions, eight and eight in turns."""
        real = self.real(image_type, "test")
        place = {row.file: i for i, row in enumerate(real.rows)}
        chosen = real.images[[place[row.file] for row in self._turns(real.rows, count)]]
        made = self.made(image_type, self.orders(image_type))[:count]
        rows = [x[i : i + 8] for i in range(0, len(made), 8) for x in (chosen, made)]
        return np.concatenate(rows)

    def made(self, name: str, orders: Sequence[Order]) -> Images:
        """The images of some orders, `(N, 3, S, S)` in [-1, 1], 8 bits deep; made only once."""
        what = repr([asdict(self.sampling), self.generator.dtype, *orders]).encode()
        kept = self.work / f"{slug(name)}-{hashlib.sha256(what).hexdigest()[:16]}.npy"
        if not kept.is_file():
            say(f"making {len(orders)} images: {name} ...")
            size = min(BATCH, len(orders))
            starts = range(0, len(orders), size)
            images = np.concatenate([self._batch(orders[i : i + size], size) for i in starts])
            kept.parent.mkdir(parents=True, exist_ok=True)
            temporary = kept.with_suffix(".part.npy")
            np.save(temporary, np.rint((images + 1) * 127.5).astype(np.uint8))
            os.replace(temporary, kept)
        return np.asarray(np.load(kept) / 127.5 - 1, np.float32)

    def _batch(self, orders: Sequence[Order], size: int) -> Images:
        padded = [*orders, *[orders[-1]] * (size - len(orders))]
        how = self.sampling
        images = self.generator.sample(
            [order.text for order in padded],
            [order.seed for order in padded],
            steps=how.steps,
            guidance=Guidance(how.guidance, how.start, how.stop),
            solver=how.solver,
            shift=how.shift,
        ).numpy()[: len(orders)]
        for i, order in enumerate(orders):
            if self.generator.channels(order.image_type) == 1:
                images[i] = images[i].mean(axis=0, keepdims=True)
        return eight_bits(images)

    def through_codec(self, images: Images) -> Images:
        """Images encoded and decoded: no image of the generator can be better."""
        codec, device = self.generator.codec, self.generator.device
        with torch.no_grad():
            parts = [
                codec.decode(codec.encode(part.to(device))).cpu()
                for part in torch.from_numpy(images).split(BATCH)
            ]
        decoded = torch.cat(parts).float().numpy()
        if np.array_equal(images[:, 0], images[:, 1]):
            decoded = np.repeat(decoded.mean(axis=1, keepdims=True), 3, axis=1)
        return eight_bits(decoded)


def shuffled(
    said: Sequence[Sequence[Order]], given: Sequence[Sequence[Order]], count: int
) -> tuple[list[Order], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Orders with the prompts of others, for images with seeds of their own.

    Every class of what is said meets every class of prompts equally often, so that what is said
    tells nothing about the prompts.

    Args:
        said: What the images are said to be, class by class.
        given: Where the prompts come from, class by class.
        count: Number of images.

    Returns:
        The orders; for each, the class of what it is said to be and of its prompt.
    """
    numbers = np.arange(count)
    a, b = numbers % len(said), numbers // len(said) % len(given)
    draw = np.random.default_rng(said[0][0].seed)
    made = []
    for n, i, j in zip(range(count), a.tolist(), b.tolist(), strict=True):
        order = said[i][int(draw.integers(len(said[i])))]
        prompt = given[j][int(draw.integers(len(given[j])))]
        made.append(replace(prompt, key=f"{order.key}-shuffled-{n}"))
    return made, a, b

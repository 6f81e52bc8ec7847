"""A generator of patterns for tests: real seeds and prompts, no network."""

from __future__ import annotations

import hashlib
import time
from typing import ClassVar

import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.transport.guidance import Guidance
from synthmed.transport.seeds import batch_noise

TYPES = [
    {"name": "chest X-ray", "grey": True},
    {"name": "dermatoscopy", "grey": False},
]
WORDS = "chest x ray pneumonia no finding cardiomegaly view pa ap dermatoscopy melanoma on the back"


class FakeGenerator:
    """What `generate` needs of a Generator; keeps the calls it got."""

    name = "fake"
    hash = "f" * 64
    image_size = 16
    types = TYPES
    device = torch.device("cpu")
    dtype = "float32"
    conditioners: ClassVar = {"text": None}
    card: ClassVar = {"sampling": {"steps": 5, "guidance": 1.5, "stop": 0.8}}

    def __init__(self, delay: float = 0.0, fits: int = 10_000) -> None:
        self.delay, self.fits = delay, fits
        self.known_words = set(WORDS.split())
        self.calls: list[dict[str, object]] = []

    def type_of(self, prompt: str) -> dict[str, object] | None:
        return next((t for t in self.types if str(t["name"]).lower() in prompt.lower()), None)

    def channels(self, image_type: str) -> int:
        return next((1 for t in self.types if t["name"] == image_type and t["grey"]), 3)

    def condition(self, records: list[dict[str, str]]) -> Tensor:
        for record in records:
            if len(record["text"].split()) > 20:
                raise SynthmedError("the text is too long", where=record["text"])
        return torch.zeros(len(records), 1, 1)

    def sample(
        self,
        records: list[dict[str, str]],
        seeds: list[int],
        *,
        negative: dict[str, str] | None,
        steps: int,
        guidance: Guidance,
        solver: str,
        shift: float,
    ) -> Tensor:
        self.calls.append(
            {"n": len(seeds), "negative": negative, "guidance": guidance, "steps": steps}
        )
        if len(seeds) > self.fits:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        time.sleep(self.delay)
        noise = batch_noise((3, 16, 16), seeds)
        words = [hashlib.sha256(record["text"].encode()).digest() for record in records]
        colour = torch.tensor([[byte / 255 - 0.5 for byte in word[:3]] for word in words])
        return torch.tanh(0.5 * noise + guidance.scale * colour[:, :, None, None])

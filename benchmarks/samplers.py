"""The ways to make images that `generate_speed` compares: plain diffusers, and synthmed's."""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers import StableDiffusionPipeline

from synthmed.models.codec import AutoencoderCodec
from synthmed.models.generator import Generator
from synthmed.models.quiet import quiet
from synthmed.synthesis.generate import generate
from synthmed.synthesis.prompts import Prompt
from synthmed.synthesis.sampling import Sampling
from synthmed.transport.guidance import Guidance
from synthmed.transport.seeds import batch_noise, row_seed

Images = npt.NDArray[np.float32]
Maker = Callable[[Sequence["Order"]], Images]
SEED = 0


@dataclass(frozen=True)
class Order:
    """One image to make.

    Attributes:
        key: Its seed is a hash of the key, whoever makes the image.
        text: The prompt.
        image_type: What the prompt was written for.
        group: The real patient whose caption the prompt is.
    """

    key: str
    text: str
    image_type: str
    group: str

    @property
    def seed(self) -> int:
        """Seed of its noise."""
        return row_seed(SEED, self.key)


@dataclass(frozen=True)
class Variant:
    """One way to make the images.

    Attributes:
        name: Name of the row.
        engine: "diffusers" or "synthmed".
        sampling: How synthmed samples; of diffusers' call only `guidance` and `steps`.
        batch: Images evaluated together.
        files: Write a file an image instead of giving tensors.
        dtype: Of synthmed's velocity network.
        contiguous: Take synthmed's channels_last away.
        compiled: Compile synthmed's velocity network.
        shuffled: Give every image the prompt of another one.
        images: Images to make; None makes all.
        judged: Whether the images are compared with real ones.
    """

    name: str
    engine: str
    sampling: Sampling
    batch: int
    files: bool = False
    dtype: str = "auto"
    contiguous: bool = False
    compiled: bool = False
    shuffled: bool = False
    images: int | None = None
    judged: bool = True

    def facts(self) -> dict[str, Any]:
        """What the row is, for the results."""
        plain = {"engine": self.engine, "batch": self.batch, "files": self.files}
        if self.engine == "diffusers":
            how = {"steps": self.sampling.steps, "guidance": self.sampling.guidance}
            return {**plain, **how, "dtype": "float32"}
        return {**plain, **asdict(self.sampling), "compiled": self.compiled}


@dataclass
class Made:
    """What a variant made, and what it took.

    Attributes:
        chunks: Images `(n, 3, S, S)` in [-1, 1], piece by piece, made while iterating.
        facts: Evaluations of the network an image, its dtype, seconds of compiling.
    """

    chunks: Iterator[Images]
    facts: dict[str, Any] = field(default_factory=dict)


def make(variant: Variant, orders: Sequence[Order], folder: Path, device: str) -> Made:
    """Open the model anew, warm up with one batch, and make the images while iterating.

    Args:
        variant: How.
        orders: What.
        folder: The generator's folder.
        device: Where to compute, for both engines.
    """
    stack = ExitStack()
    maker, unet, facts = _maker(variant, folder, device, stack)
    orders = _chosen(variant, orders)
    first = [orders[i % len(orders)] for i in range(variant.batch)]
    calls: list[int] = []
    hook = unet.register_forward_pre_hook(lambda _, args: calls.append(len(args[0])))
    maker(first)
    hook.remove()
    facts["evaluations"] = sum(calls) / len(first)
    if variant.compiled:
        start = time.perf_counter()
        with warnings.catch_warnings(action="ignore"):
            unet.compile()
            maker(first)
        facts["compile_seconds"] = round(time.perf_counter() - start, 1)
    size = max(variant.batch, -(-len(orders) // 4)) if variant.files else variant.batch

    def chunks() -> Iterator[Images]:
        with stack:
            for begin in range(0, len(orders), size):
                yield maker(orders[begin : begin + size])

    return Made(chunks(), facts)


def _chosen(variant: Variant, orders: Sequence[Order]) -> list[Order]:
    """The orders of a variant: as many as it makes, their prompts shuffled if it says so."""
    count = len(orders) if variant.images is None else variant.images
    chosen = [orders[i % len(orders)] for i in range(count)]
    if not variant.shuffled:
        return chosen
    other = np.random.default_rng(SEED).permutation(count)
    return [
        Order(order.key, chosen[j].text, order.image_type, order.group)
        for order, j in zip(chosen, other, strict=True)
    ]


def _maker(
    variant: Variant, folder: Path, device: str, stack: ExitStack
) -> tuple[Maker, torch.nn.Module, dict[str, Any]]:
    """What makes images, the network to count evaluations of, and facts for the row."""
    out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="synthmed-benchmark-")))
    if variant.engine == "diffusers":
        with quiet():
            pipeline = StableDiffusionPipeline.from_pretrained(
                folder, torch_dtype=torch.float32, use_safetensors=True
            ).to(device)
        pipeline.set_progress_bar_config(disable=True)
        return _diffusers(variant, pipeline, out), pipeline.unet, {}
    generator = Generator.load(folder, device=device, dtype=variant.dtype)
    if variant.contiguous:
        _without_channels_last(generator)
    making = _generate if variant.files else _sample
    return making(variant, generator, out), generator.unet, {"dtype": generator.dtype}


def _diffusers(variant: Variant, pipeline: Any, out: Path) -> Maker:
    """Plain diffusers with its defaults, from the noise that synthmed draws."""
    side, channels = pipeline.unet.config.sample_size, pipeline.unet.config.in_channels
    # Nothing is passed where diffusers' own default is meant.
    steps = {"num_inference_steps": variant.sampling.steps} if variant.sampling.steps != 50 else {}

    def maker(orders: Sequence[Order]) -> Images:
        noise = batch_noise((channels, side, side), [order.seed for order in orders])
        images = pipeline(
            [order.text for order in orders],
            guidance_scale=variant.sampling.guidance,
            latents=noise.to(pipeline.device),
            output_type="pil" if variant.files else "np",
            **steps,
        ).images
        if variant.files:
            for order, image in zip(orders, images, strict=True):
                image.save(out / f"{order.key}.png")
            return np.empty((len(orders), 0), np.float32)
        return np.asarray(images.transpose(0, 3, 1, 2) * 2 - 1, np.float32)

    return maker


def _sample(variant: Variant, generator: Generator, _: Path) -> Maker:
    """The tensors of `Generator.sample`."""
    how = variant.sampling

    def maker(orders: Sequence[Order]) -> Images:
        images = generator.sample(
            [order.text for order in orders],
            [order.seed for order in orders],
            steps=how.steps,
            guidance=Guidance(how.guidance, how.start, how.stop),
            solver=how.solver,
            shift=how.shift,
        )
        return images.numpy()

    return maker


def _generate(variant: Variant, generator: Generator, out: Path) -> Maker:
    """The dataset folders of `synthmed.generate`, with the model's own settings."""

    def maker(orders: Sequence[Order]) -> Images:
        prompts = [Prompt(order.text, 1, order.key) for order in orders]
        target = out / "dataset"
        shutil.rmtree(target, ignore_errors=True)
        with warnings.catch_warnings(action="ignore"):
            generate(
                generator, prompts, target, seed=SEED, batch_size=variant.batch, progress=False
            )
        return np.empty((len(orders), 0), np.float32)

    return maker


def _without_channels_last(generator: Generator) -> None:
    """Bring weights and inputs of the networks back to torch's default memory format."""

    def contiguous(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (args[0].contiguous(), *args[1:])

    networks: list[torch.nn.Module] = [generator.unet]
    if isinstance(generator.codec, AutoencoderCodec):
        networks.append(generator.codec.vae.decoder)
    for network in networks:
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        network.register_forward_pre_hook(contiguous)

"""The generator's loss on images: low on those that it knows by heart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import pad

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.evaluation.sides import Side
from synthmed.measures.arrays import box_resize
from synthmed.models.domain_norm import normalise
from synthmed.models.records import Record
from synthmed.transport.seeds import batch_noise, row_seed

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

Array = npt.NDArray[np.float64]
_BATCH = 32


def flow_losses(
    generator: Generator, side: Side, draws: int, seed: int, progress: Callable[[str], None]
) -> Array:
    """The training loss of each image under its caption, at fixed times and noise.

    Squared error of the network's output at `z = t x + (1 - t) e` (conditional flow matching,
    Lipman et al. 2023, eq. 22; for a variance-preserving path the target of its prediction type),
    averaged over pixels and over draws. All images see the same times and noise, so that only the
    images differ: times lie evenly between the path's first time and 1, one noise each.

    Args:
        generator: The generator.
        side: N images.
        draws: Times.
        seed: Seeds the noise.
        progress: Told what is being done.

    Returns:
        (N,) losses.
    """
    path, size = generator.path, generator.image_size // generator.codec.factor
    times = path.t_min + (1 - path.t_min) * (np.arange(draws) + 0.5) / draws
    shape = (generator.codec.latent_channels, size, size)
    noise = batch_noise(shape, [row_seed(seed, "membership", k) for k in range(draws)])
    records = [record_of(generator, row, text) for row, text in _captions(side)]
    losses = np.empty((len(side), draws))
    for start in range(0, len(side), _BATCH):
        chosen = slice(start, start + _BATCH)
        x = generator.codec.encode(_images(generator, side, chosen)).float()
        x = normalise(x, records[chosen], generator.latent_normalisation)
        tokens = _tokens(generator, records[chosen])
        for k, t in enumerate(times):
            e = noise[k].to(x.device).expand_as(x)
            losses[chosen, k] = _loss(generator, x, e, float(t), tokens)
        progress(f"membership: {min(start + _BATCH, len(side))} of {len(side)} {side.name} images")
    return np.asarray(losses.mean(axis=1))


@torch.no_grad()
def codec_errors(generator: Generator, side: Side) -> Array:
    """(N,) mean squared error of each image through the codec alone: the control."""
    errors = []
    for start in range(0, len(side), _BATCH):
        x = _images(generator, side, slice(start, start + _BATCH))
        error = (generator.codec.decode(generator.codec.encode(x)).float() - x) ** 2
        errors.append(error.mean(dim=(1, 2, 3)).double().cpu().numpy())
    return np.concatenate(errors)


def through_codec(generator: Generator) -> Callable[[npt.NDArray[np.float32]], Array]:
    """Give the codec's round trip of images (N, 1 or 3, S, S) in [-1, 1], the same shape.

    Sides that the codec's factor does not divide are filled up with their edges, and cut back.
    """

    @torch.no_grad()
    def trip(images: npt.NDArray[np.float32]) -> Array:
        """The round trip."""
        x = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32))
        height, width = x.shape[-2:]
        below, right = (-side % generator.codec.factor for side in (height, width))
        x = pad(x.expand(-1, 3, -1, -1), (0, right, 0, below), mode="replicate")
        x = x.to(generator.device)
        parts = [generator.codec.decode(generator.codec.encode(p)) for p in x.split(_BATCH)]
        made = torch.cat(parts)[..., :height, :width].clamp(-1, 1).double().cpu().numpy()
        return np.asarray(made.mean(axis=1, keepdims=True) if images.shape[1] == 1 else made)

    return trip


def record_of(generator: Generator, row: Row, text: str) -> Record:
    """Give the condition of a real image: its caption, its domain, the label that a model knows."""
    record: dict[str, str] = {}
    for name, conditioner in generator.conditioners.items():
        known = set(getattr(conditioner, "labels", []))
        asked = [", ".join(row.labels), row.image_type, row.domain]
        if name == "domain":
            asked = [row.domain]
        value = text if name == "text" else next((v for v in asked if v in known), "")
        record[name] = value
    return record


def _captions(side: Side) -> Sequence[tuple[Row, str]]:
    return list(zip(side.rows, side.prompts, strict=True))


def _tokens(generator: Generator, records: Sequence[Record]) -> Tensor:
    """Tokens of the records; a caption that is too long for the model becomes a plain one."""
    try:
        return generator.condition(records)
    except SynthmedError:
        return torch.cat([_token(generator, record) for record in records])


def _token(generator: Generator, record: Record) -> Tensor:
    try:
        return generator.condition([record])
    except SynthmedError:
        return generator.null(1)


@torch.no_grad()
def _loss(generator: Generator, x: Tensor, e: Tensor, t: float, tokens: Tensor) -> Array:
    """(B,) squared errors at one time."""
    path, unet = generator.path, generator.unet
    times = torch.full((len(x),), t, dtype=torch.float64, device=x.device)
    point = path.sample(x, e, times)
    output = unet(
        path.network_input(point.z, times).to(unet.dtype),
        path.timestep(times).to(x.device),
        encoder_hidden_states=tokens.to(x.device, unet.dtype),
    ).sample
    error = (output.double() - point.target.double()) ** 2
    return np.asarray(error.mean(dim=(1, 2, 3)).cpu().numpy())


def _images(generator: Generator, side: Side, chosen: slice) -> Tensor:
    """Images (B, 3, S, S) at the generator's size."""
    images = side.images(chosen)
    if side.size != generator.image_size:
        images = box_resize(images.astype(np.float64), generator.image_size).astype(np.float32)
    x = torch.from_numpy(np.ascontiguousarray(images))
    return x.expand(-1, 3, -1, -1).to(generator.device)

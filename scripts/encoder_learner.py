"""What `train_encoder.py` minimises: the heads, the chances of the images, the four losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from encoder_data import EncoderData
from encoder_views import crop, damage, safe, tones
from torch import Tensor, nn
from torch.nn import functional as F

from synthmed.measures.extractors.encoder_network import EncoderNetwork
from synthmed.transport.seeds import step_generator

DAMAGE_VARIANCE = 0.1
"""Of the amounts of damage that `damage(…, 0.5, …)` draws: 1/6 - 1/16."""


class Learner(nn.Module):
    """The network and what is thrown away after training: its heads."""

    def __init__(self, classes: Mapping[str, list[str]], widths: Sequence[int]) -> None:
        super().__init__()
        self.network = EncoderNetwork(widths)
        d = self.network.dimensions
        self.heads = nn.ModuleList(nn.Linear(d, len(names)) for names in classes.values())
        self.same = nn.Sequential(nn.Linear(d, 256), nn.SiLU(), nn.Linear(256, 128))
        self.damage = nn.Linear(d, 2)


def losses_of(
    learner: Learner,
    data: EncoderData,
    chances: npt.NDArray[np.float64],
    weights: Mapping[str, Tensor],
    recipe: Mapping[str, Any],
    step: int,
) -> dict[str, Tensor]:
    """The four losses of one step; every draw is a function of (seed, step)."""
    plan, draw = recipe["training"], step_generator(recipe["seed"], step, "views")
    rows = torch.multinomial(torch.from_numpy(chances), plan["batch_size"], generator=draw).numpy()
    kinds = [data.rows[i].image_type for i in rows]
    small, large = (
        torch.from_numpy(pixels[rows]).float() / 127.5 - 1
        for pixels in (data.small_N3SS, data.large_N3SS)
    )
    plain, amount = damage(safe(small, kinds, draw), 0.5, draw)
    cropped = tones(crop(safe(large, kinds, draw), small.shape[-1], draw), draw)
    cropped, _ = damage(cropped, 0.2, draw)
    features = learner.network.raw(torch.cat([plain, cropped]))
    losses = {"type": features.new_zeros(()), "tasks": features.new_zeros(())}
    for (name, values), head in zip(data.targets.items(), learner.heads, strict=True):
        labels = torch.from_numpy(values[rows]).repeat(2)
        each = F.cross_entropy(head(features), labels.clamp(min=0), reduction="none")
        weighted = each * weights[name][labels.clamp(min=0)] * (labels >= 0)
        key = "type" if name == "type" else "tasks"
        losses[key] = losses[key] + weighted.sum() / len(labels)
    losses["same_image"] = same_image(learner.same(features), plan["temperature"], rows)
    losses["damage"] = F.mse_loss(learner.damage(features[: len(rows)]), amount) / DAMAGE_VARIANCE
    return losses


def same_image(embedded_2BD: Tensor, temperature: float, rows: npt.NDArray[np.int64]) -> Tensor:
    """NT-Xent: each view finds its twin among all others; rows drawn twice do not count."""
    z = F.normalize(embedded_2BD, dim=1)
    names, b = torch.from_numpy(rows).repeat(2), len(rows)
    twin = (torch.arange(2 * b) + b) % (2 * b)
    own = names[:, None] == names[None]
    own[torch.arange(2 * b), twin] = False
    return F.cross_entropy((z @ z.T / temperature).masked_fill(own, -1e4), twin)


def shares(data: EncoderData, npz_share: float) -> npt.NDArray[np.float64]:
    """(N,) chance of each image: a type's is the square root of its number, divided among them."""
    chances, kinds = np.zeros(len(data.rows)), data.targets["type"]
    for packed in (False, True):
        part = data.from_npz == packed
        for kind in set(kinds[part]):
            own = (kinds == kind) & part
            chances[own] = own.sum() ** -0.5
        if part.any() and not part.all():
            chances[part] *= (npz_share if packed else 1 - npz_share) / chances[part].sum()
    return chances / chances.sum()


def class_weights(data: EncoderData) -> dict[str, Tensor]:
    """Weight of each class of each task: rare ones more, by the root of their frequency."""
    found = {}
    for name, values in data.targets.items():
        counts = np.bincount(values[values >= 0], minlength=len(data.classes[name]))
        weights = (counts.sum() / np.maximum(counts, 1) / len(counts)) ** 0.5
        found[name] = torch.from_numpy(np.clip(weights, 0.3, 3.0)).float()
    return found

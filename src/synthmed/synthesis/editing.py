"""Edit images: encode them under their own condition, decode them under another.

The one mechanism under translation between domains (MedShift: Caetano et al. 2025,
arXiv:2508.21435) and under counterfactuals. An image is carried back from t = 1 to `depth` under
the source's condition, without guidance, and forward again under
`v_source + w (v_target - v_source)`.

`inversion="plain"` does the two one after the other, as MedShift does, so that the solver's errors
of both ways stay in the image. `inversion="difference"` integrates the difference between the two
ways instead (`synthmed.transport.difference`): with target = source it is the codec's round trip
bit for bit, at every guidance, number of steps and solver.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.models.codec import as_colour
from synthmed.models.domain_norm import carry, normalise
from synthmed.models.fields import velocity_field
from synthmed.models.records import Record, check_count
from synthmed.synthesis.edit_settings import EditSettings, evaluations
from synthmed.transport.difference import follow, record
from synthmed.transport.grids import uniform_grid

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

__all__ = ["EditSettings", "edit", "edit_parts", "evaluations"]


def edit(
    generator: Generator,
    images_BCSS: Tensor,
    source: Sequence[Record],
    target: Sequence[Record],
    settings: EditSettings,
) -> Tensor:
    """Edit images.

    Args:
        generator: The model.
        images_BCSS: `(B, 1 or 3, S, S)` in [-1, 1], S the model's image size.
        source: Conditions of the images as they are.
        target: Conditions of the images as they shall be. Only what differs between source and
            target is changed; with latents normalised per domain both name a domain.
        settings: How.

    Returns:
        Images `(B, 3, S, S)`, float32 in [-1, 1], on the CPU. With target = source, or at depth 1,
        the codec's round trip, with `detail="keep"` the source itself (with `inversion="plain"`
        below depth 1: but for the solver's error).

    Raises:
        SynthmedError: Not one source and one target an image, images of another size, a condition
            that the model does not know (the known ones are listed).
    """
    edited, rebuilt = edit_parts(generator, images_BCSS, source, target, settings)
    if rebuilt is None:
        return edited
    return (as_colour(images_BCSS).float().cpu() + (edited - rebuilt)).clamp(-1, 1)


@torch.no_grad()
def edit_parts(
    generator: Generator,
    images_BCSS: Tensor,
    source: Sequence[Record],
    target: Sequence[Record],
    settings: EditSettings,
) -> tuple[Tensor, Tensor | None]:
    """What `edit` puts together, for whoever adds the difference to images of another size.

    Args:
        generator: The model.
        images_BCSS: `(B, 1 or 3, S, S)` in [-1, 1].
        source: Conditions of the images as they are.
        target: Conditions of the images as they shall be.
        settings: How.

    Returns:
        The decoded edited images `(B, 3, S, S)`, float32 in [-1, 1], on the CPU; and with
        `detail="keep"` what the codec alone makes of the source, of the same kind, else None.

    Raises:
        SynthmedError: As `edit`.
    """
    check_count(source, images_BCSS, "images")
    check_count(target, images_BCSS, "images")
    side = generator.image_size
    if tuple(images_BCSS.shape[2:]) != (side, side):
        raise SynthmedError(
            f"images of {images_BCSS.shape[2]} x {images_BCSS.shape[3]} pixels",
            mend=f"This model edits {side} x {side} pixels: frame them first.",
        )
    generator.condition(target)  # finds what it does not know before anything is computed
    latents = generator.encode(images_BCSS, source, depth=1.0)
    rebuilt = None
    if settings.detail == "keep" or settings.depth == 1:
        rebuilt = generator.decode(latents, source, source, depth=1.0)
    if rebuilt is not None and settings.depth == 1:
        return rebuilt, rebuilt if settings.detail == "keep" else None
    if settings.inversion == "plain":
        return _plain(generator, images_BCSS, source, target, settings), rebuilt
    edited = _edited_latents(generator, latents, source, target, settings)
    return generator.decode(edited, target, source, depth=1.0), rebuilt


def _edited_latents(
    generator: Generator,
    latents: Tensor,
    source: Sequence[Record],
    target: Sequence[Record],
    settings: EditSettings,
) -> Tensor:
    """The codec's latents of the edited images, by the difference to the source's own path."""
    path, statistics = generator.path, generator.latent_normalisation
    own, wanted = generator.condition(source), generator.condition(target)
    grid = uniform_grid(settings.steps, 1.0, max(settings.depth, path.t_min))
    back = velocity_field(generator.velocities, path, own, own)
    trajectory = record(back, normalise(latents, source, statistics), grid, settings.solver)
    forward = velocity_field(generator.velocities, path, wanted, own, settings.guidance, apart=True)
    change = follow(forward, trajectory, settings.solver)
    return carry(latents, change, source, target, statistics)


def _plain(
    generator: Generator,
    images: Tensor,
    source: Sequence[Record],
    target: Sequence[Record],
    settings: EditSettings,
) -> Tensor:
    """The edited images by encoding and decoding one after the other."""
    depth, steps, solver = settings.depth, settings.steps, settings.solver
    z = generator.encode(images, source, depth=depth, steps=steps, solver=solver)
    scale = settings.guidance
    return generator.decode(
        z, target, source, depth=depth, guidance=scale, steps=steps, solver=solver
    )

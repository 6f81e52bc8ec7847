"""Generator: codec, conditioners, denoiser, path and card; encode, decode and sample on tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.models.codec import AutoencoderCodec, Codec
from synthmed.models.conditioners import Conditioner
from synthmed.models.described import Described
from synthmed.models.domain_norm import normalise, restore
from synthmed.models.fields import check_depth, velocity_field
from synthmed.models.records import Record, check_count, tokens_of
from synthmed.transport.drift import Drift
from synthmed.transport.grids import shifted_grid
from synthmed.transport.guidance import Guidance
from synthmed.transport.paths import Path as TransportPath
from synthmed.transport.seeds import batch_noise
from synthmed.transport.solvers import integrate


@dataclass
class Generator(Described):
    """A generator of images: a velocity field on latents, and what turns them into images.

    Attributes:
        codec: Images to latents and back.
        conditioners: By name, in the order in which their tokens are joined.
        unet: The velocity network.
        path: What the network's timestep and output mean.
        image_size: Side of the images, in pixels.
        card: What is known of it: `name`, `types`, `known_words`, licences, training groups.
        hash: Of the stored weights and latent statistics (`generator_hash`), "" before it is saved.
        device: Where it computes.
        dtype: "float32", or "bfloat16" for the velocity network alone.
    """

    codec: Codec
    conditioners: dict[str, Conditioner]
    unet: UNet2DConditionModel
    path: TransportPath
    image_size: int
    card: dict[str, Any] = field(default_factory=dict)
    hash: str = ""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: str = "float32"

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        wanted, channels = self.unet.config, self.codec.latent_channels
        if wanted.in_channels != channels:
            raise SynthmedError(
                f"the network reads {wanted.in_channels} channels, latents have {channels}"
            )
        for name, conditioner in self.conditioners.items():
            if conditioner.width != wanted.cross_attention_dim:
                raise SynthmedError(
                    f"the network reads tokens of width {wanted.cross_attention_dim}, those of"
                    f" {name!r} have {conditioner.width}"
                )

    @classmethod
    def load(
        cls,
        source: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        config: str | None = None,
    ) -> Generator:
        """Open a Generator, see `synthmed.models.storage.load_generator`."""
        from synthmed.models.storage import load_generator

        return load_generator(source, device=device, dtype=dtype, config=config)

    def save(self, folder: str | Path, *, half: bool = False, shard: str = "2GB") -> Path:
        """Write a folder that diffusers opens, see `synthmed.models.saving.save_generator`."""
        from synthmed.models.saving import save_generator

        return save_generator(self, Path(folder), half=half, shard=shard)

    @property
    def parameters(self) -> int:
        """Number of parameters of all networks."""
        modules: list[torch.nn.Module] = [self.unet]
        modules += [conditioner.module for conditioner in self.conditioners.values()]
        if isinstance(self.codec, AutoencoderCodec):
            modules.append(self.codec.vae)
        return sum(p.numel() for module in modules for p in module.parameters())

    @torch.no_grad()
    def condition(self, records: Sequence[Record]) -> Tensor:
        """Tokens `(B, L, D)` of the records' fields; a missing field is its null.

        Raises:
            SynthmedError: A field that no conditioner reads, an unknown label, a text too long.
        """
        return tokens_of(self.conditioners, records)

    def null(self, count: int) -> Tensor:
        """Tokens `(count, L, D)` of the null condition."""
        return self.condition([{}]).expand(count, -1, -1)

    @torch.no_grad()
    def velocities(self, z: Tensor, t: float, conditions: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """One velocity `(B, C, h, w)` per condition, in one pass of the network."""
        count = len(conditions)
        dtype = self.unet.dtype
        z_in = self.path.network_input(z, t).repeat(count, 1, 1, 1)
        timestep = torch.full((len(z_in),), self.path.timestep(t), device=z.device)
        output = self.unet(
            z_in.to(dtype, memory_format=torch.channels_last),
            timestep,
            encoder_hidden_states=torch.cat(conditions).to(z.device, dtype),
        ).sample
        return tuple(self.path.velocity(part, z, t) for part in output.to(z.dtype).chunk(count))

    def _with(self, drift: Drift | None) -> TransportPath:
        return self.path if drift is None else replace(self.path, drift=drift)  # type: ignore[type-var]

    @torch.no_grad()
    def sample(
        self,
        records: Sequence[Record],
        seeds: Sequence[int],
        *,
        negative: Record | None = None,
        steps: int = 16,
        guidance: Guidance | float = 1.0,
        solver: str = "multistep",
        shift: float = 1.0,
        drift: Drift | None = None,
        grid: Tensor | None = None,
    ) -> Tensor:
        """Generate one image per record.

        Args:
            records: Conditions.
            seeds: One seed per image; its noise does not depend on the batch.
            negative: Condition to move away from; the null where None.
            steps: Steps of the solver.
            guidance: Guidance on `target - negative`; a number is its scale.
            solver: "euler", "heun" or "multistep".
            shift: Above 1 spends more steps near the noise (see `shifted_grid`).
            drift: Replaces the path's drift.
            grid: Times from the path's first to 1, instead of `steps` and `shift`.

        Returns:
            Images `(B, 3, S, S)`, float32 in [-1, 1], on the CPU.

        Raises:
            SynthmedError: As `condition`; not one seed a condition; a condition without a domain
                where latents are normalised by domain.
        """
        check_count(records, seeds, "seeds")
        path = self._with(drift)
        side = self.image_size // self.codec.factor
        noise = batch_noise((self.codec.latent_channels, side, side), list(seeds))
        target = self.condition(records)
        base = self.null(len(records)) if negative is None else self.condition([negative])
        base = base.expand(len(records), -1, -1)
        grid = shifted_grid(steps, path.t_min, 1.0, shift) if grid is None else grid
        field = velocity_field(self.velocities, path, target, base, guidance)
        z = integrate(field, path.prior(noise.to(self.device)), grid, solver)
        z = restore(z, records, self.latent_normalisation)
        return self.codec.decode(z).clamp(-1, 1).float().cpu()

    def encode(
        self,
        images: Tensor,
        records: Sequence[Record],
        *,
        depth: float,
        steps: int = 16,
        solver: str = "multistep",
        drift: Drift | None = None,
    ) -> Tensor:
        """Carry images back from t = 1 to `depth` under their own condition, without guidance.

        Args:
            images: `(B, 1 or 3, S, S)` in [-1, 1].
            records: Conditions of the images.
            depth: Time to stop at, from the path's first time (least structure kept) to 1.
            steps: Steps of the solver.
            solver: "euler", "heun" or "multistep".
            drift: Replaces the path's drift; subtracted on the way back.

        Returns:
            Latents `(B, C, h, w)` at `depth`, normalised by the records' domains where the model
            is; at depth 1 the codec's own.

        Raises:
            SynthmedError: As `condition`; not one condition an image; a depth outside [0, 1]; a
                condition without a domain where latents are normalised by domain.
        """
        check_count(records, images, "images")
        check_depth(depth)
        path = self._with(drift)
        with torch.no_grad():
            z = self.codec.encode(images.to(self.device))
        if depth == 1:
            return z
        z = normalise(z, records, self.latent_normalisation)
        source = self.condition(records)
        grid = shifted_grid(steps, 1.0, max(depth, path.t_min), 1.0)
        field = velocity_field(self.velocities, path, source, source)
        return integrate(field, z, grid, solver)

    def decode(
        self,
        latents: Tensor,
        target: Sequence[Record],
        source: Sequence[Record],
        *,
        depth: float,
        guidance: Guidance | float = 1.0,
        steps: int = 16,
        solver: str = "multistep",
        drift: Drift | None = None,
    ) -> Tensor:
        """Carry latents from `depth` to images, guided by `v_source + w (v_target - v_source)`.

        Args:
            latents: `(B, C, h, w)` at `depth`, from `encode`.
            target: Conditions to follow.
            source: Conditions to move away from; with target = source the scale has no effect.
            depth: Time of the latents.
            guidance: Scale w, or scale and interval.
            steps: Steps of the solver.
            solver: "euler", "heun" or "multistep".
            drift: Replaces the path's drift.

        Returns:
            Images `(B, 3, S, S)`, float32 in [-1, 1], on the CPU.

        Raises:
            SynthmedError: As `condition`; not one target and one source a latent; a depth outside
                [0, 1]; as `encode`.
        """
        check_count(target, latents, "latents")
        check_count(source, latents, "latents")
        check_depth(depth)
        path, z = self._with(drift), latents.to(self.device)
        if depth < 1:
            wanted, base = self.condition(target), self.condition(source)
            field = velocity_field(self.velocities, path, wanted, base, guidance)
            grid = shifted_grid(steps, max(depth, path.t_min), 1.0, 1.0)
            z = restore(integrate(field, z, grid, solver), target, self.latent_normalisation)
        with torch.no_grad():
            return self.codec.decode(z).clamp(-1, 1).float().cpu()

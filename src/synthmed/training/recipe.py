"""Typed recipes: everything that decides a run, read from YAML and saved beside the result."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from synthmed.errors import SynthmedError
from synthmed.training.loop import Schedule


@dataclass(frozen=True)
class DataSettings:
    """What is learnt from.

    Attributes:
        sources: A dataset folder, a YAML list of sources, or the list itself
            (`path`, `columns`, `where`, `licence`, `credit` each).
        image_size: Side of the square images, in pixels.
        styles: Caption styles, drawn evenly.
        captions: Captions kept per image.
        variants: Augmented versions per image in the latent cache; the first is the image itself.
        augment: Operations by image type, instead of the safe list's.
        balance: 0 draws every type equally often, 1 every image.
    """

    sources: Any = ""
    image_size: int = 64
    styles: tuple[str, ...] = ("simple", "diverse", "diverse+patient")
    captions: int = 8
    variants: int = 8
    augment: dict[str, list[str]] = field(default_factory=dict)
    balance: float = 0.5


@dataclass(frozen=True)
class GateSettings:
    """What the codec must reach on validation rows, for each image type.

    Attributes:
        psnr: Mean PSNR in dB (data range 2).
        by_type: Other figures for single types, in dB.
        power: Power above half the Nyquist frequency, as a share of the real images'.
        attribute_margin: How far a classifier's AUROC may fall on reconstructions.
        go_on: Train the generator even if a type fails; the card then says so.
    """

    psnr: float = 30.0
    by_type: dict[str, float] = field(default_factory=dict)
    power: float = 0.5
    attribute_margin: float = 0.02
    go_on: bool = False


@dataclass(frozen=True)
class CodecSettings:
    """The autoencoder.

    Attributes:
        path: A ready codec's folder; training is then skipped. "identity" works on pixels.
        latent_channels: Channels of a latent.
        block_out_channels: Width at each resolution; n entries halve the side n - 1 times.
        layers_per_block: Residual blocks at each resolution.
        kl_weight: Weight of the divergence from the standard normal, per latent value in nats.
        spectral_weight: Weight of the distance between amplitude spectra, which keeps
            fine texture that the absolute error alone blurs; 0 leaves it out.
        batch_size: Images per step.
        learning_rate: Peak rate of AdamW.
        schedule: Steps, validation, early stop.
        gate: What it must reach before a generator is trained on it.
    """

    path: str = ""
    latent_channels: int = 8
    block_out_channels: tuple[int, ...] = (32, 64, 128)
    layers_per_block: int = 1
    kl_weight: float = 3e-4
    spectral_weight: float = 0.0
    batch_size: int = 32
    learning_rate: float = 1e-3
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=3000))
    gate: GateSettings = field(default_factory=GateSettings)


@dataclass(frozen=True)
class ConditionSettings:
    """The condition: text, or labels alone.

    Attributes:
        kind: "text" or "label".
        path: A transformers text model's folder or hub id; blank trains a small one along.
        frozen: Keep a given text model as it is.
        max_length: Tokens of a caption.
        vocabulary: Tokens of a trained tokenizer.
        width: Width of a trained text model, or of label embeddings.
        layers: Layers of a trained text model.
        heads: Attention heads of a trained text model.
        dropout: Probability that a condition is dropped.
    """

    kind: str = "text"
    path: str = ""
    frozen: bool = True
    max_length: int = 48
    vocabulary: int = 1000
    width: int = 128
    layers: int = 4
    heads: int = 4
    dropout: float = 0.1


@dataclass(frozen=True)
class DenoiserSettings:
    """The velocity network (`UNet2DConditionModel`).

    Attributes:
        block_out_channels: Width at each resolution, multiples of 16.
        attention: Which resolutions attend to the condition.
        layers_per_block: Residual blocks at each resolution.
        heads: Attention heads.
    """

    block_out_channels: tuple[int, ...] = (96, 144, 160)
    attention: tuple[bool, ...] = (False, True, True)
    layers_per_block: int = 2
    heads: int = 8


@dataclass(frozen=True)
class FlowSettings:
    """Flow matching.

    Attributes:
        batch_size: Latents per step.
        learning_rate: Peak rate of AdamW.
        weight_decay: Of AdamW.
        times: "uniform" or "logit-normal".
        schedule: Steps, validation, early stop.
        watch_images: Samples drawn at each validation for the grid and the copy rate.
        max_copies: Training ends when the lower bound of the copy rate exceeds this.
    """

    batch_size: int = 32
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
    times: str = "uniform"
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=6000, warmup=200))
    watch_images: int = 64
    max_copies: float = 0.1


@dataclass(frozen=True)
class Recipe:
    """A complete training run.

    Attributes:
        name: Name of the Generator.
        seed: The run's seed.
        dtype: "bfloat16" (autocast where the processor has it) or "float32".
        device: "auto", "cpu", "cuda", ...
        data: What is learnt from.
        codec: The autoencoder.
        condition: Text or labels.
        denoiser: The velocity network.
        flow: Its training.
        card: What the Generator's card says: licence, intended use, misuse, credits.
    """

    name: str = "generator"
    seed: int = 0
    dtype: str = "bfloat16"
    device: str = "auto"
    data: DataSettings = field(default_factory=DataSettings)
    codec: CodecSettings = field(default_factory=CodecSettings)
    condition: ConditionSettings = field(default_factory=ConditionSettings)
    denoiser: DenoiserSettings = field(default_factory=DenoiserSettings)
    flow: FlowSettings = field(default_factory=FlowSettings)
    card: dict[str, Any] = field(default_factory=dict)


def load_recipe(path: Path | str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe from YAML and apply `key.subkey=value` overrides (values are YAML).

    Raises:
        SynthmedError: No such file, no valid YAML, an unknown key, a value of the wrong type.
    """
    path = Path(path)
    if not path.is_file():
        raise SynthmedError("no such recipe", where=path, mend="Give the path of a YAML recipe.")
    try:
        mapping = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise SynthmedError("the recipe is not valid YAML", where=f"{path}: {error}") from error
    if not isinstance(mapping, dict):
        raise SynthmedError("the recipe is not a mapping of keys to values", where=path)
    for override in overrides:
        key, sign, value = override.partition("=")
        if not sign:
            raise SynthmedError("an override is not key=value", where=override)
        place = mapping
        *parents, last = key.split(".")
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise SynthmedError(f"{parent!r} has no parts to override", where=override)
        place[last] = yaml.safe_load(value)
    recipe: Recipe = build(Recipe, mapping, str(path))
    return recipe


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as YAML."""
    path.write_text(yaml.safe_dump(_plain(dataclasses.asdict(recipe)), sort_keys=False))


def build(cls: Any, mapping: Mapping[str, Any], where: str) -> Any:
    """Make a settings dataclass of a mapping, checking keys and types.

    Raises:
        SynthmedError: An unknown key (the known ones are listed) or a value of the wrong type.
    """
    hints = typing.get_type_hints(cls)
    values = {}
    for key, value in mapping.items():
        if key not in hints:
            known = ", ".join(hints)
            raise SynthmedError(f"unknown key {key!r}", where=where, mend=f"Known keys: {known}.")
        values[key] = _convert(hints[key], value, f"{where}: {key}")
    return cls(**values)


def _convert(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise SynthmedError("expected keys and values", where=where)
        return build(hint, value, where)
    origin = typing.get_origin(hint)
    if hint is Any or origin is types.UnionType:
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise SynthmedError(f"expected a list, got {value!r}", where=where)
        return tuple(_convert(typing.get_args(hint)[0], item, where) for item in value)
    kind = origin or hint
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-3 as a string
        except ValueError:
            pass
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SynthmedError(f"expected {kind.__name__}, got {value!r}", where=where)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value

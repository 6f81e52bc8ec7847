"""The settings of a training run: everything that decides it, as typed dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from synthmed.training.schedule import Schedule

DTYPES = ("bfloat16", "float32")
KINDS = ("text", "label", "domain", "text+domain", "label+domain")
TIMES = ("uniform", "logit-normal")
PAIRINGS = ("independent", "transport")
NORMALISATIONS = ("none", "domain")


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
        balance: 0 draws every type equally often, 1 every image; with a domain condition every
            domain in place of every type.
        shared_groups: Values of `group_id` that may stand in several splits, such as a CT volume
            of which all renders are; all others are refused there. The card records them.
    """

    sources: Any = ""
    image_size: int = 64
    styles: tuple[str, ...] = ("simple", "diverse", "diverse+patient")
    captions: int = 8
    variants: int = 8
    augment: dict[str, list[str]] = field(default_factory=dict)
    balance: float = 0.5
    shared_groups: tuple[str, ...] = ()


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
        path: A ready codec's folder, a Generator's, or a bundled Generator's name; training is
            then skipped. "identity" works on pixels.
        latent_channels: Channels of a latent.
        block_out_channels: Width at each resolution; n entries halve the side n - 1 times.
        layers_per_block: Residual blocks at each resolution.
        kl_weight: Weight of the divergence from the standard normal, per latent value in nats.
        spectral_weight: Weight of the distance between amplitude spectra, which keeps
            fine texture that the absolute error alone blurs; 0 leaves it out.
        gradient_weight: Weight of the error of the images' gradients, which weighs an error by its
            frequency and so sharpens; 0 leaves it out.
        crop: Side of the random crops that the first `crop_steps` steps see, in pixels; 0 takes
            whole images. Crops of half the side cost a quarter, and the codec works locally.
        crop_steps: Steps on crops; the rest see whole images.
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
    gradient_weight: float = 0.0
    crop: int = 0
    crop_steps: int = 0
    batch_size: int = 32
    learning_rate: float = 1e-3
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=3000))
    gate: GateSettings = field(default_factory=GateSettings)


@dataclass(frozen=True)
class ConditionSettings:
    """The conditions: text or labels, a domain, or a domain beside one of them.

    Attributes:
        kind: "text", "label", "domain", "text+domain" or "label+domain"; the tokens are joined in
            this order.
        path: A transformers text model's folder or hub id; blank trains a small one along.
        frozen: Keep a given text model as it is.
        max_length: Tokens of a caption.
        vocabulary: Tokens of a trained tokenizer.
        width: Width of a trained text model, or of label embeddings.
        layers: Layers of a trained text model.
        heads: Attention heads of a trained text model.
        dropout: Probability that the text or label of an image is dropped.
        domain_dropout: Probability that its domain is dropped, drawn apart from `dropout` and for
            each image by itself.
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
    domain_dropout: float = 0.1

    @property
    def names(self) -> tuple[str, ...]:
        """The conditions' names in the order of their tokens."""
        return tuple(self.kind.split("+"))


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
        pairing: "independent" draws a noise for each latent; "transport" pairs the noises and the
            latents of a batch by optimal transport, inside each domain (see
            `synthmed.training.pairing`).
        latent_normalisation: "none", or "domain": each domain's latents are brought to mean 0 and
            standard deviation 1 in each channel; the Generator undoes it.
        schedule: Steps, validation, early stop.
        watch_images: Samples drawn at each validation for the grid and the copy rate.
        max_copies: Training ends when the lower bound of the copy rate exceeds this.
    """

    batch_size: int = 32
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
    times: str = "uniform"
    pairing: str = "independent"
    latent_normalisation: str = "none"
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
        condition: Text or labels, a domain, or both.
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

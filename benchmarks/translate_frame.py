"""What the parts of `translate` share: the size of a run, its folders, data and main model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from benchmarks.translate_data import Data, shared_folder
from benchmarks.translate_models import facts, trained
from benchmarks.translate_renders import SIZE
from synthmed.models.generator import Generator
from synthmed.models.quiet import quiet

Pair = tuple[str, str]
"""Source and target domain."""
STANDARD, NIH, COVID = "render-standard", "nih-cxr64", "covid-cxr"
FORTH_AND_BACK: tuple[Pair, ...] = ((STANDARD, NIH), (NIH, STANDARD))
BETWEEN_REAL: tuple[Pair, ...] = ((NIH, COVID), (COVID, NIH))
TO_COVID: tuple[Pair, ...] = ((STANDARD, COVID), (COVID, STANDARD))


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        name: "smoke", "cpu" or "gpu".
        views: Images that each network trained from scratch sees.
        tiny: Networks that only prove that the script works.
        images: Test and validation images of a domain at most; None takes all.
        poses: Training poses of each exposure.
        held_out: Poses for validation; the test has twice as many.
        steps: Solver steps each way.
        pairs: Ordered pairs of domains of table 1; the first is that of tables 4 and 5.
        gans: Pairs of domains, either way, for which a CycleGAN is trained.
        gan_width: Channels of the CycleGAN's first layer (Zhu et al. 2017: 64).
        variants: Trained ablations, the most essential first.
        device: Where to compute.
        look: Seconds to look at the load of other processes before a timing.
    """

    name: str
    views: int
    tiny: bool
    images: int | None
    poses: int
    held_out: int
    steps: int
    pairs: tuple[Pair, ...]
    gans: tuple[Pair, ...]
    gan_width: int
    variants: tuple[str, ...]
    device: str
    look: float

    @property
    def image_size(self) -> int:
        """Side of the images in pixels: the bundled codec is for 64."""
        return SIZE


VARIANTS = ("latents normalised by domain", "transport pairing", "logit-normal times")
PROFILES = {
    "smoke": Profile(
        "smoke",
        views=32,
        tiny=True,
        images=16,
        poses=8,
        held_out=8,
        steps=2,
        pairs=FORTH_AND_BACK[:1],
        gans=FORTH_AND_BACK[:1],
        gan_width=8,
        variants=VARIANTS,
        device="cpu",
        look=0.5,
    ),
    "cpu": Profile(
        "cpu",
        views=102_400,
        tiny=False,
        images=None,
        poses=200,
        held_out=60,
        steps=16,
        pairs=(*FORTH_AND_BACK, *BETWEEN_REAL),
        gans=FORTH_AND_BACK[:1],
        gan_width=16,
        variants=VARIANTS[:2],
        device="cpu",
        look=10.0,
    ),
    "gpu": Profile(
        "gpu",
        views=102_400,
        tiny=False,
        images=None,
        poses=200,
        held_out=60,
        steps=16,
        pairs=(*FORTH_AND_BACK, *BETWEEN_REAL, *TO_COVID),
        gans=(FORTH_AND_BACK[0], BETWEEN_REAL[0], TO_COVID[0]),
        gan_width=64,
        variants=VARIANTS,
        device="cuda",
        look=5.0,
    ),
}


@dataclass(frozen=True)
class Bench:
    """One run of the benchmark.

    Attributes:
        profile: Its size.
        work: Folder for data, networks and made images; it holds real patients' images.
        listing: YAML list of sources with the real images.
        codec: Folder of the bundled autoencoder.
    """

    profile: Profile
    work: Path
    listing: Path
    codec: Path

    @property
    def device(self) -> str:
        """Where to compute."""
        return self.profile.device

    @property
    def shared(self) -> Path:
        """Folder of the real image sets."""
        return shared_folder(self.listing)

    @cached_property
    def data(self) -> Data:
        """Renders and real images; made on first use."""
        size = self.profile
        return Data.ready(self.work / "data", self.listing, self.shared, size.poses, size.held_out)

    @cached_property
    def model(self) -> Path:
        """Folder of the model of all domains; trained on first use, continued after a kill."""
        return trained(self, "all-domains", self.data.folder, shared=self.data.shared)

    def variant(self, name: str) -> Path:
        """Folder of the same model with one thing changed in training."""
        changed = {
            "latents normalised by domain": {"flow.latent_normalisation": "domain"},
            "transport pairing": {"flow.pairing": "transport"},
            "logit-normal times": {"flow.times": "logit-normal"},
        }[name]
        return trained(self, name, self.data.folder, changed, self.data.shared)

    def model_facts(self, folder: Path | None = None) -> dict[str, Any]:
        """What the results say of a model; of that of all domains where none is named."""
        return facts(folder or self.model)

    def generator(self, folder: Path | None = None) -> Generator:
        """A model, opened once; the model of all domains where none is named."""
        return _opened(folder or self.model, self.device)


@cache
def _opened(folder: Path, device: str) -> Generator:
    with quiet():
        return Generator.load(folder, device=device, dtype="float32")

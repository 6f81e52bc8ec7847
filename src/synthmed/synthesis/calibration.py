"""Calibrate: measure what translation keeps and reaches at each depth, by ordered pair of domains.

The curves are stored in the Generator's card, with numbers of images and the settings that they
hold for; `synthmed.synthesis.dial` reads them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmed.errors import SynthmedError
from synthmed.measures.features import Extractor, load_extractor
from synthmed.synthesis.calibration_curves import FORMAT
from synthmed.synthesis.calibration_halves import HALVINGS
from synthmed.synthesis.calibration_images import learnt_from, read_material
from synthmed.synthesis.calibration_pairs import PairMeasurer
from synthmed.synthesis.calibration_record import CalibrationRecord, card_of
from synthmed.synthesis.editing import EditSettings
from synthmed.synthesis.translate_plan import own_settings
from synthmed.training.bars import stage

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

DEPTHS = tuple(i / 10 for i in range(11))
"""The depths that are measured by default."""
MOST = 200
"""Images a domain by default."""
Pair = tuple[str, str]


@dataclass(frozen=True)
class CalibrateResult:
    """What `calibrate` measured.

    Attributes:
        card: The Generator's synthmed.json, which now holds the curves.
        pairs: Ordered pairs (source, target) that are calibrated.
        kept: Those of them that an earlier run had measured on the same images.
        left_out: Pairs that could not be measured: `source`, `target`, `reason`.
        rejected: Images that cannot be read: `file_name`, `reason`.
        shared_groups: Groups of these images that the Generator was trained on and that its
            recipe shares between splits (a simulator).
        warnings: What a user must know before trusting the curves.
    """

    card: Path
    pairs: tuple[Pair, ...]
    kept: tuple[Pair, ...]
    left_out: list[dict[str, str]]
    rejected: list[dict[str, str]]
    shared_groups: tuple[str, ...]
    warnings: tuple[str, ...]


def calibrate(
    model: str | os.PathLike[str],
    dataset: str | os.PathLike[str],
    *,
    split: str = "val",
    depths: Sequence[float] = DEPTHS,
    pairs: Sequence[Pair] | None = None,
    extractor: str = "medical-64",
    most: int = MOST,
    guidance: float | None = None,
    steps: int | None = None,
    solver: str | None = None,
    detail: str | None = None,
    inversion: str | None = None,
    batch_size: int = 16,
    seed: int = 0,
    device: str = "auto",
    dtype: str = "auto",
    progress: bool = True,
) -> CalibrateResult:
    """Measure structure and realism of translation against depth, and store the curves.

    For every ordered pair of domains and every depth: the mean SSIM of the translations to their
    sources, with a bootstrap interval over patients; their KID to the target's real images, with
    a grouped jackknife interval; and the KID of halves of the patients, beside the target's
    real-real interval over the same halves (`matched_point`, `real_real`), which the dial
    compares. Pairs are written into the card one by one: a killed run continues with the first
    pair that it lacks. A run with other settings or weights begins anew.

    Args:
        model: Folder of a Generator that has domains.
        dataset: Images of the domains: a dataset folder, or a YAML list of sources.
        split: Their split; never images of the Generator's training patients.
        depths: Depths to measure, from 0 to 1.
        pairs: Ordered pairs (source, target); None takes all.
        extractor: Features that KID is measured in (`load_extractor`).
        most: Images a domain; whole patients are drawn.
        guidance: Guidance scale. None takes, here and below, what `translate` takes where the
            depth is a number: the card's `translation`, else its `sampling`, else
            `EditSettings`'.
        steps: Solver steps each way.
        solver: "euler", "heun" or "multistep".
        detail: "model" or "keep".
        inversion: "difference" or "plain".
        batch_size: Images evaluated together.
        seed: Seeds the draw of the images, the bootstrap and the halvings.
        device: "auto", "cpu", "cuda", ...
        dtype: "auto", "float32" or "bfloat16".
        progress: Show a progress bar on standard error.

    Returns:
        What was measured, and what could not be.

    Raises:
        SynthmedError: Bad options, a model without domains, no usable images, or no pair that
            could be measured.
        SafetyError: The Generator was trained on a patient of these images.
    """
    options = {
        "guidance": guidance,
        "steps": steps,
        "solver": solver,
        "detail": detail,
        "inversion": inversion,
    }
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    EditSettings(1.0, **given)  # finds bad values before a model is loaded
    grid = _grid(depths)
    for name, number in (("most", most), ("batch_size", batch_size)):
        if number < 1:
            raise SynthmedError(f"{name} is {number}", mend="Give 1 or more.")
    card, judge = card_of(Path(model)), load_extractor(extractor)
    from synthmed.models.generator import Generator

    generator = Generator.load(Path(model), device=device, dtype=dtype)
    own = own_settings(generator.card, calibrated=False)
    settings = EditSettings(1.0, **{**own, **given})
    wanted = _pairs(generator.domains, pairs)
    named = [name for name in generator.domains if any(name in pair for pair in wanted)]
    material = read_material(generator.card, dataset, named, split=split, most=most, seed=seed)
    header = _header(generator, judge, settings, split, seed)
    record = CalibrationRecord.open(card, header, generator.domains)
    told = _warnings(judge, material.shared, [r for rows in material.rows.values() for r in rows])
    for text in told:
        warnings.warn(text, stacklevel=2)
    every = sum(len(material.rows[source]) for source, _ in wanted) * len(grid)
    with stage("images", shown=progress) as bar:
        done = [0]

        def report(n: int) -> None:
            done[0] += n
            bar(done[0], every, {})

        bad = list(material.rejected)
        measurer = PairMeasurer(
            generator, judge, settings, grid, material, batch_size, seed, report, bad
        )
        measured, kept, left_out = _measure(measurer, wanted, record)
    if not measured:
        raise SynthmedError(
            f"no pair of domains could be calibrated: {left_out[0]['reason']}", where=dataset
        )
    domains = dict.fromkeys(name for pair in measured for name in pair)
    few = [text for text in (measurer.domain(name).few for name in domains) if text]
    for text in few:
        warnings.warn(text, stacklevel=2)
    return CalibrateResult(
        card, tuple(measured), tuple(kept), left_out, bad, material.shared, (*told, *few)
    )


def _header(
    generator: Generator, judge: Extractor, settings: EditSettings, split: str, seed: int
) -> dict[str, Any]:
    """What all pairs of a calibration share; another value of one of them begins anew."""
    return {
        "format": FORMAT,
        "generator_hash": generator.hash,
        "extractor": judge.id,
        "preprocessing": judge.preprocessing,
        "settings": {name: value for name, value in asdict(settings).items() if name != "depth"},
        "split": split,
        "seed": seed,
        "halvings": HALVINGS,
    }


def _measure(
    measurer: PairMeasurer, wanted: Sequence[Pair], record: CalibrationRecord
) -> tuple[list[Pair], list[Pair], list[dict[str, str]]]:
    """Measure the pairs that the record lacks, and write each as soon as it is done."""
    measured, kept, left_out = list[Pair](), list[Pair](), list[dict[str, str]]()
    for source, target in wanted:
        if record.has(source, target, measurer.made_of(source, target)):
            kept.append((source, target))
        else:
            try:
                entry = measurer(source, target)
            except SynthmedError as error:
                left_out.append({"source": source, "target": target, "reason": str(error)})
                continue
            record.add(entry, measurer.groups_of(source, target))
        measured.append((source, target))
    return measured, kept, left_out


def _grid(depths: Sequence[float]) -> tuple[float, ...]:
    """Depths in rising order, each once."""
    found = sorted({float(depth) for depth in depths})
    if not found or not all(0 <= depth <= 1 for depth in found):
        raise SynthmedError(
            "the depths are not numbers from 0 to 1", where=list(depths), mend="Such as 0,0.5,1."
        )
    return tuple(found)


def _pairs(domains: Sequence[str], pairs: Sequence[Pair] | None) -> list[Pair]:
    """The ordered pairs to measure."""
    if len(domains) < 2:
        raise SynthmedError(
            f"the model has {len(domains)} domains: there is nothing to translate between",
            mend="Calibrate a model that was trained with a domain condition.",
        )
    chosen = list(permutations(domains, 2)) if pairs is None else list(dict.fromkeys(pairs))
    for pair in chosen:
        for name in pair:
            if name not in domains:
                raise SynthmedError(
                    f"the model has no domain {name!r}", mend=f"Known: {', '.join(domains)}."
                )
        if pair[0] == pair[1]:
            raise SynthmedError(f"a pair of {pair[0]!r} with itself", mend="Name two domains.")
    if not chosen:
        raise SynthmedError("no pair of domains is named", mend="Leave --pairs out to take all.")
    return chosen


def _warnings(judge: Any, shared: Sequence[str], rows: Sequence[Any]) -> list[str]:
    """What limits the figures: a simulator's few volumes, features learnt from these patients."""
    found = []
    if shared:
        found.append(
            f"the generator was trained on renders of {', '.join(shared)} too (shared groups of"
            " its recipe): each image counts for itself, so the intervals say nothing of other"
            " patients"
        )
    return [*found, *filter(None, [learnt_from(judge, rows)])]

"""Table 2 of `translate`: translation where the truth is known.

*Brain MRI.* Pre-contrast to FLAIR on aligned slices of `lgg-brain-mri`. Our model and CycleGAN are
trained unpaired: a half of the training patients gives pre-contrast slices, the other half FLAIR
slices, so no patient and no pair gives both (`translate_truth_data`). The bundled codec saw single
slices of both sequences of training patients. Segmenters of FLAIR lesions, three seeds, learn from
the real FLAIR slices of the training patients with their masks. All are tested on the test
patients, whom none of them saw.

*Two doses.* The same pose of the chest CT rendered at low and at standard dose; training poses of
the two exposures differ, test poses are not trained on. All are one patient, so intervals are over
poses and say nothing of other patients.

Set beforehand:

1. *One member a family.* Of methods with a depth the member is taken whose mean SSIM is highest on
   validation patients (doses: on the first quarter of the test poses, which then do not count).
2. *Better.* Ours is better (worse) than another family in a score where the whole 95 % interval of
   the paired difference lies above (below) 0; else no difference is shown, which is not "equal".
3. *Control.* Another patient's (pose's) true image has the target's look: the same test must flag
   it as worse than the member of ours in SSIM, or that table's comparisons count for nothing.
4. *Lesions.* Kept: a segmenter finds half of the lesion's pixels. Invented: it finds 8 pixels or
   more in a slice without a lesion. The real FLAIR is the ceiling, the source (identity) the floor.

Each translation network is trained once, so the intervals hold the patients' part alone.
`brain-t1-pd-pairs` is one head: its row stands in the smoke profile only, and is never quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.common import Row, Table
from benchmarks.translate_methods import CycleGAN, cyclegan, standard
from benchmarks.translate_models import trained as trained_model
from benchmarks.translate_renders import SIZE
from benchmarks.translate_segmenter import Fitting, Segmenter, trained
from benchmarks.translate_truth_data import (
    SEED,
    SOURCE,
    TARGET,
    read_mri,
    training_arrays,
    unpaired,
    write_listing,
)
from benchmarks.translate_truth_pairs import (
    Pairs,
    check_poses,
    head_pairs,
    lesion_images,
    mri_pairs,
)
from benchmarks.translate_truth_report import report
from benchmarks.translate_truth_scores import IDENTITY, OURS
from benchmarks.translate_truth_tables import truth_tables
from benchmarks.translate_truth_values import INVENTED, KEPT

if TYPE_CHECKING:
    from benchmarks.translate_frame import Bench
    from synthmed.datasets.rows import Row as DataRow

LOW, STANDARD = "render-low-dose", "render-standard"
SEEDS = (0, 1, 2)
VIEWS, PATIENCE, CHECK = 102_400, 20_480, 2_048
AUGMENT = {"data.augment": {"brain MRI": ["flip"]}}
"""No gain: the sequences are told apart by their grey levels too."""
HEAD_PAIRS = 6


def settings(profile: str) -> dict[str, Any]:
    """What the rows depend on."""
    return {
        "split_seed": SEED,
        "segmenter_seeds": list(seeds_of(profile == "smoke")),
        "segmenter": {"views": VIEWS, "patience": PATIENCE, "check": CHECK},
        "kept": KEPT,
        "invented": INVENTED,
    }


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of what is measured so far."""
    return truth_tables(content["rows"])


def rows(bench: Bench) -> dict[str, Callable[[], Row]]:
    """The rows of table 2, in the order of the work."""
    found: dict[str, Callable[[], Row]] = {
        "truth: brain MRI": partial(mri_row, bench),
        "truth: two doses": partial(doses_row, bench),
        "truth: brain MRI, CycleGAN": partial(mri_row, bench, True),
        "truth: two doses, CycleGAN": partial(doses_row, bench, True),
    }
    if bench.profile.tiny:
        found["truth: one head"] = partial(head_row, bench)
    return found


def mri_row(bench: Bench, gan: bool = False) -> Row:
    """Pre-contrast to FLAIR: all methods but CycleGAN, or CycleGAN beside ours and identity."""
    folder, most = bench.shared / "lgg-brain-mri", bench.profile.images
    every = read_mri(folder)
    model, chosen = _mri_model(bench)
    arrays = training_arrays(chosen, SIZE)
    methods: list[Any] = _standard(bench, model, arrays)
    if gan:
        methods = [*_own(methods), _gan(bench, arrays)]
    judges = lesion_judges(bench)
    choose, judge = (mri_pairs(every, split, SIZE, most) for split in ("val", "test"))
    return {
        "training": {name: len(side) for name, side in arrays.items()},
        "training_patients": {
            name: len({row.group_id for row in of if row.split == "train"})
            for name, of in chosen.items()
        },
        "model": bench.model_facts(model),
        "segmenters": [segmenter.facts for segmenter in judges],
        **report(bench.work, "mri", methods, (SOURCE, TARGET), (choose, judge), judges),
    }


def _mri_model(bench: Bench) -> tuple[Path, dict[str, list[DataRow]]]:
    """The model of both sequences, and the unpaired rows that it learnt from."""
    folder = bench.shared / "lgg-brain-mri"
    chosen = unpaired(read_mri(folder))
    listing = write_listing(folder, chosen, bench.work / "truth" / "mri.yaml")
    return trained_model(bench, "truth-mri", listing, AUGMENT), chosen


def lesion_judges(bench: Bench) -> list[Segmenter]:
    """The lesion segmenters of all seeds, trained on first use."""
    every, most = read_mri(bench.shared / "lgg-brain-mri"), bench.profile.images
    train, val = (lesion_images(every, split, SIZE, most) for split in ("train", "val"))
    fitting = fitting_of(bench, ("flip", "shift"))
    store = bench.work / "truth" / "segmenters"
    return [trained(train, val, fitting, seed, store) for seed in seeds_of(bench.profile.tiny)]


def seeds_of(tiny: bool) -> tuple[int, ...]:
    """Seeds of the segmenters."""
    return SEEDS[:2] if tiny else SEEDS


def fitting_of(bench: Bench, operations: tuple[str, ...]) -> Fitting:
    """How the segmenters of this profile are trained."""
    if bench.profile.tiny:
        return Fitting(64, 64, 32, operations, batch=8, tiny=True, device=bench.device)
    return Fitting(VIEWS, PATIENCE, CHECK, operations, device=bench.device)


def doses_row(bench: Bench, gan: bool = False) -> Row:
    """Low to standard dose of one pose: as `mri_row`, with the model of all domains."""
    train = {name: bench.data.part(name, "train") for name in (LOW, STANDARD)}
    low, high = (bench.data.part(name, "test") for name in (LOW, STANDARD))
    check_poses([train[LOW].groups, train[STANDARD].groups], low.groups, high.groups)
    arrays = {name: part.images for name, part in train.items()}
    methods: list[Any] = _standard(bench, bench.model, arrays)
    if gan:
        methods = [*_own(methods), cyclegan(bench, LOW, STANDARD)]
    pairs = Pairs(low.images, high.images, list(low.groups))
    cut = max(1, len(pairs.groups) // 4)
    sides = pairs.take(slice(0, cut)), pairs.take(slice(cut, None))
    return {
        "training": {name: len(side) for name, side in arrays.items()},
        "model": bench.model_facts(),
        **report(bench.work, "doses", methods, (LOW, STANDARD), sides),
    }


def head_row(bench: Bench) -> Row:
    """T1 to proton density of one head: shows that the code runs, and nothing else."""
    pairs = head_pairs(bench.shared / "brain-t1-pd-pairs", SIZE, HEAD_PAIRS)
    half = len(pairs.groups) // 2
    learnt, judge = pairs.take(slice(0, half)), pairs.take(slice(half, None))
    arrays = {SOURCE: learnt.source, TARGET: learnt.target}
    methods = _standard(bench, _mri_model(bench)[0], arrays)
    return report(bench.work, "head", methods, (SOURCE, TARGET), (learnt, judge))


def _gan(bench: Bench, arrays: Mapping[str, Any]) -> CycleGAN:
    """The CycleGAN of the MRI; trained on first use, continued after a kill."""
    size, sides = bench.profile, (arrays[SOURCE], arrays[TARGET])
    about = (bench.work / "cyclegan" / "truth-mri", size.views, size.tiny, bench.device)
    return CycleGAN.trained(*sides, (SOURCE, TARGET), *about, width=size.gan_width)


def _standard(bench: Bench, model: Path, arrays: Mapping[str, Any]) -> list[Any]:
    """All methods but CycleGAN, with the guidance that was set beforehand."""
    return list(standard(bench.generator(model), arrays, steps=bench.profile.steps))


def _own(methods: Sequence[Any]) -> list[Any]:
    """Identity and our methods: what CycleGAN is compared with."""
    return [method for method in methods if method.family in (*OURS, IDENTITY)]

"""Translation between domains: MedShift's table on chest X-rays, with all that stands beside it.

One model knows six domains: renders of one chest CT at four simulated exposures (standard dose, low
dose, without a scatter grid, low kVp) and real chest X-rays of two sources. In tables 1, 4 and 5
every number is on test images; the real ones are of patients that no network saw, codec and judge
included. The renders are one patient: other poses than the trained ones, but close to them. All
margins were set before any run.

1. *Methods.* Untouched source, codec round trip, histogram matching, Fourier domain adaptation,
   SDEdit on the same network (with at least as many evaluations), DDIB, CycleGAN, ours at five
   depths with and without `--detail keep`. Guidance of ours and of SDEdit is chosen from 1, 1.5
   and 2 on validation images of the first pair, by features without weights. Realism-structure
   curves, their area and the verdicts: `translate_curves.py`. Goal: ours dominates SDEdit at every
   level of structure, and no method's curve dominates ours. Control: ours towards a wrong domain;
   where the same test does not find it worse than ours, the comparisons of the pair count for
   nothing.
2. *Truth* and 3. *Use*: `translate_truth.py`, `translate_use.py`.
4. *Evaluations* 4 to 64 by solver and inversion; cost against resolution.
5. *Ablation*: guidance, inversion, pairing, normalisation, times; calibrated and fixed depth.

    python -m benchmarks.translate --profile smoke    # minutes: every row, never quoted
    python -m benchmarks.translate --profile cpu

Networks continue from their checkpoints, images and rows that are finished are kept; the same
command continues. `runs/translate/`, which git ignores, holds real patients' images and renders of
a real patient, the contact sheets too: never publish them. While other processes are busy timings
are not written; the next run makes up for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import (
    translate_ablation,
    translate_dial,
    translate_more_tables,
    translate_rows,
    translate_steps,
    translate_tables,
    translate_truth,
    translate_use,
)
from benchmarks.common import (
    ROOT,
    Results,
    Row,
    Table,
    model_facts,
    model_folder,
    parse,
    run,
    say,
    show,
)
from benchmarks.samplers import SEED
from benchmarks.timing import machine
from benchmarks.translate_curves import LEVELS, MARGIN
from benchmarks.translate_frame import PROFILES, Bench
from benchmarks.translate_methods import DEPTHS, GUIDANCES
from benchmarks.translate_picture import contact_sheet

NAME = "translate"
Known = Mapping[str, Row]


def main(argv: Sequence[str] | None = None, work: Path = ROOT / "runs/translate") -> None:
    """Run the benchmark.

    Args:
        argv: The command line; None takes the process's.
        work: Folder for data, networks, made images and pictures.
    """
    options = parse(__doc__, argv)
    profile = PROFILES[options.profile]
    folder, card = model_folder(options.model)
    bench = Bench(profile, work / options.profile, options.data, folder / "vae")
    settings = {
        **asdict(profile),
        "depths": DEPTHS,
        "guidances": GUIDANCES,
        "levels": LEVELS,
        "margin": MARGIN,
        "seed": SEED,
        "data": bench.data.hash,
        "truth": translate_truth.settings(options.profile),
        "use": translate_use.settings(options.profile),
    }
    about = {
        "model": model_facts(card),
        "machine": machine(profile.device),
        "settings": settings,
    }
    results = Results(options.results, NAME, options.profile, about, options.fresh)
    for name, measure in rows(bench, results.rows).items():
        if results.lacks(name):
            say(f"{name} ...")
            results.add(name, measure())
    for pair in profile.pairs:
        contact_sheet(bench, results.rows, pair)
    say(f"pictures, with real images: {bench.work / 'pictures'}")
    show(tables(results.content))


def rows(bench: Bench, known: Known) -> dict[str, Callable[[], Row]]:
    """All rows in the order of the work: what matters most comes first."""
    found = translate_rows.rows(bench, known)
    found |= translate_steps.timings(bench, known)
    found |= translate_ablation.rows(bench, known)
    found |= translate_dial.rows(bench, known)
    found |= translate_truth.rows(bench)
    found |= translate_use.rows(bench)
    found |= translate_steps.rows(bench, known)
    for pair in bench.profile.pairs:
        found |= translate_rows.pair_rows(bench, known, pair)  # those without a CycleGAN
    return found | translate_ablation.trained_rows(bench, known)


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file, finished or not."""
    return [
        *translate_tables.tables(content),
        *translate_truth.tables(content),
        *translate_use.tables(content),
        *translate_more_tables.tables(content),
    ]


if __name__ == "__main__":
    run(main)

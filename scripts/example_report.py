"""Make the example report of the documentation: base-64 against real test patients.

Prompts are the captions of the real test images, so that both sides show the same findings in the
same shares; each is drawn `--copies` times. The report without real pixels may be published, the
folder `cache` beside it may not.

    python scripts/example_report.py --data recipes/sources/base-64.yaml --out runs/example-report
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import synthmed
from synthmed.datasets.captions import caption, plain
from synthmed.datasets.patients import patient_words
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Settings
from synthmed.synthesis.prompts import Prompt
from synthmed.training.sources import collect_sources

ROOT = Path(__file__).resolve().parents[1]


def prompts_of(rows: list[Row], copies: int) -> list[Prompt]:
    """Prompts in the wording of the captions, with what they ask for in columns."""
    return [
        Prompt(
            caption(row) if row.text else plain(row, patient_words(row.age, row.sex)),
            count=copies,
            id=f"example-{number:04d}",
            labels=row.labels,
            image_type=row.image_type,
            view=row.view,
            age=row.age,
            sex=row.sex,
            from_template=True,
        )
        for number, row in enumerate(rows)
    ]


def main() -> None:
    """Generate, evaluate, and copy the public report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "recipes/sources/base-64.yaml")
    parser.add_argument("--model", default="base-64")
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "runs/example-report")
    parser.add_argument("--publish", type=Path, help="copy report.html and report.json here")
    options = parser.parse_args()
    rows = [row for row in collect_sources(str(options.data), ROOT).rows if row.split == "test"]
    made, report = options.out / "synthetic", options.out / "report"
    synthmed.generate(options.model, prompts_of(rows, options.copies), made)
    result = synthmed.evaluate(
        options.data,
        made,
        report,
        train=options.data,
        settings=Settings(generator=options.model, with_real_images=True),
        command="python scripts/example_report.py",
        progress=lambda text: print(text, file=sys.stderr, flush=True),
    )
    for light in result.lights:
        print(f"{light.state:5}  {light.title}: {light.reason}")
    if options.publish:
        options.publish.mkdir(parents=True, exist_ok=True)
        for name in ("report.html", "report.json"):
            shutil.copy(report / name, options.publish / name)


if __name__ == "__main__":
    try:
        main()
    except SynthmedError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)

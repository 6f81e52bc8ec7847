"""The utility table's script: whose images a generator sees, the choice of sets, the verdicts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit

LABELS = ("benign", "malignant")


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three candidates: labels that can be learnt slowly, at once, and not at all."""
    out = tmp_path_factory.mktemp("utility-sets")
    entries = []
    for number, strength in enumerate((0.25, 3.0, 0.0)):
        folder = out / f"set{number}"
        writer = DatasetWriter(folder, spec_8bit(1, "PNG"))
        draw = np.random.default_rng(number)
        pattern = draw.normal(0, 1, (1, 16, 16))
        for i in range(120):
            split = "train" if i < 76 else "val" if i < 80 else "test"
            row = Row(Path(), f"{i:03d}.png", split, f"set{number}:{i // 2:03d}")
            row.labels, row.image_type = (LABELS[i // 2 % 2],), "breast ultrasound"
            image = draw.normal(0, 1, (1, 16, 16)) + strength * pattern * (i // 2 % 2)
            image = np.clip(0.25 * image, -1, 1).repeat(3, axis=1).repeat(3, axis=2)
            writer.add(row, image.astype(np.float32))
        writer.finish()
        entries.append({"name": f"set{number}", "path": str(folder), "size": 64})
    (out / "sets.yaml").write_text(yaml.safe_dump(entries))
    return out / "sets.yaml"


def test_n_is_half_of_2n_by_patient_and_never_a_test_patient(listing: Path, tmp_path: Path) -> None:
    from benchmarks.utility_sets import SEEN, candidates, read_set

    real = read_set(candidates(listing)[0], tmp_path, None)
    assert real.classes == list(LABELS)
    half, double = real.double.take(real.half), real.double
    assert (len(half), len(double), len(real.test)) == (40, 76, 40)
    assert half.images.shape[1:] == (3, SEEN, SEEN)
    assert set(half.groups) < set(double.groups)
    assert not set(half.groups) & set(double.groups[np.setdiff1d(np.arange(76), real.half)])
    assert not set(double.groups) & set(real.test.groups)
    assert {row.group_id for row in real.half_rows()} == set(half.groups)


def test_equal_pixels_are_kept_once_in_the_test_rows(listing: Path, tmp_path: Path) -> None:
    from benchmarks.utility_sets import _distinct, candidates, read_set

    rows = read_set(candidates(listing)[0], tmp_path, None).rows
    train = next(row for row in rows if row.split == "train")
    test = next(row for row in rows if row.split == "test")
    train.file = test.file
    kept = _distinct(rows, 64)
    assert len(kept) == len(rows) - 1
    assert [row.split for row in kept if row.file == test.file] == ["test"]


def test_the_choice_is_made_on_training_rows_and_finds_what_more_patients_help(
    listing: Path, tmp_path: Path
) -> None:
    from benchmarks.utility_choice import gain
    from benchmarks.utility_sets import candidates, read_set
    from benchmarks.utility_table import chosen

    known = candidates(listing)
    rows = {}
    for candidate in known:
        real = read_set(candidate, tmp_path, None)
        rows[f"choice: {candidate.name}"] = gain(real, 6)
        assert rows[f"choice: {candidate.name}"]["gain"]["n"] == 76
    assert [c.name for c in chosen(known, rows, 1)] == ["set0"]


@pytest.mark.slow
def test_smoke_profile_makes_every_row(
    listing: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.utility_sets import candidates, read_set

    from benchmarks import utility_table as script

    argv = ["--results", str(tmp_path), "--model", str(tiny_model)]
    script.main(argv, listing, tmp_path / "work")
    rows = json.loads((tmp_path / "utility_table-smoke.json").read_text())["rows"]
    tables = {name: row for name, row in rows.items() if name.startswith("table: ")}
    assert len(tables) == 2
    for name, row in tables.items():
        names = [line["design"] for line in row["table"]["rows"]]
        assert names[:3] == ["real N", "real 2N", "real N + synthetic"]
        assert len(names) == 7  # this bundled model knows no breast ultrasound
        assert {line["saw"] for line in row["table"]["rows"]} == {""}
        folder = tmp_path / "work" / "smoke" / name.removeprefix("table: ")
        card = json.loads((folder / "run" / "generator" / "synthmed.json").read_text())
        candidate = next(c for c in candidates(listing) if c.name == folder.name)
        real = read_set(candidate, folder, script.PROFILES["smoke"].rows)
        seen = {*card["training_groups"], *card["validation_groups"]}
        assert seen == set(group_hashes(real.half_rows()))  # N, and nobody else
    assert "Real N + synthetic: " in capsys.readouterr().out
    again = (tmp_path / "utility_table-smoke.json").read_bytes()
    script.main(argv, listing, tmp_path / "work")
    assert (tmp_path / "utility_table-smoke.json").read_bytes() == again


def test_a_bundled_model_that_knows_the_type_is_marked(
    listing: Path, tiny_model: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    from benchmarks.utility_generator import bundled_images
    from benchmarks.utility_sets import candidates, read_set

    real = read_set(candidates(listing)[0], tmp_path, 12)
    assert bundled_images(real, tiny_model, tmp_path / "none", "cpu") is None
    rows = [replace(row, image_type="dermatoscopy", labels=("melanoma",)) for row in real.rows]
    made = bundled_images(replace(real, rows=rows), tiny_model, tmp_path / "made", "cpu")
    assert made is not None
    assert len(made) == len(real.half)
    assert made.seen
    assert not made.seen & real.double.hashes()  # so the row says: saw other images


def difference(low: float, high: float) -> dict[str, dict[str, float]]:
    return {"auroc": {"value": (low + high) / 2, "low": low, "high": high}}


@pytest.mark.parametrize(
    ("mixed", "longer", "to_double", "double", "shuffled", "said"),
    [
        (
            (0.01, 0.05),
            (0.01, 0.04),
            (-0.01, 0.02),
            (0.01, 0.04),
            (-0.1, 0.0),
            "helps; worth twice",
        ),
        (
            (0.01, 0.05),
            (-0.01, 0.04),
            (-0.03, 0.0),
            (0.01, 0.04),
            (-0.1, 0.0),
            "no help shown; not",
        ),
        ((-0.05, -0.01), (-0.1, 0.0), (-0.1, 0.0), (0.01, 0.04), (-0.1, 0.0), "harms; not shown"),
        ((0.01, 0.05), (0.01, 0.04), (0.0, 0.02), (-0.01, 0.04), (-0.1, 0.0), "nothing is said"),
        ((0.01, 0.05), (0.01, 0.04), (0.0, 0.02), (0.01, 0.04), (0.01, 0.02), "CONTROL FAILED"),
    ],
)
def test_verdicts_follow_the_rules_that_were_set(
    mixed, longer, to_double, double, shuffled, said
) -> None:
    from benchmarks.utility_tables import DOUBLE, LONGER, MIXED, SHUFFLED, verdict

    base = "real N"
    against = {base: mixed, LONGER: longer, DOUBLE: to_double}
    rows = [
        {"design": MIXED, "differences": {k: difference(*v) for k, v in against.items()}},
        {"design": DOUBLE, "differences": {base: difference(*double)}},
        {"design": SHUFFLED, "differences": {base: difference(*shuffled)}},
    ]
    assert said in verdict({"baseline": base, "rows": rows})


def test_the_cpu_profile_keeps_the_contract() -> None:
    from benchmarks.utility_generator import Size, overrides
    from benchmarks.utility_table import PROFILES

    from synthmed.training.recipe import load_recipe

    for name in ("cpu", "gpu"):
        profile = PROFILES[name]
        assert profile.seeds == 5
        assert profile.steps * profile.batch >= 100_000
        for side in (32, 64):
            changed = overrides(Path("data"), side, Size(profile.views, False, "cpu"))
            recipe = load_recipe(Path("recipes/small-64.yaml").resolve(), changed)
            for stage in (recipe.codec, recipe.flow):
                assert stage.batch_size * stage.schedule.steps >= 100_000
                assert (
                    stage.schedule.patience * stage.schedule.validate_every > stage.schedule.steps
                )

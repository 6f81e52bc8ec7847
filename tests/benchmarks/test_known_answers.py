"""The benchmark of known answers: its truths, its faults, and that a blind metric is found out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.ndimage import gaussian_filter

from synthmed.datasets.rows import Row
from synthmed.datasets.writing import DatasetWriter
from synthmed.imaging.spec import spec_8bit
from synthmed.measures.features import load_extractor


def part(n: int = 90, size: int = 32, seed: int = 0):
    """Clouds of two labels, two images of a patient."""
    from benchmarks.faults import Part

    rng = np.random.default_rng(seed)
    images = gaussian_filter(rng.normal(size=(n, 1, size, size)), (0, 0, 2, 2)) * 1.5
    labels = np.asarray(["a", "b"])[np.arange(n) // 2 % 2]
    images += 0.5 * (labels == "b")[:, None, None, None] + rng.normal(0, 0.05, images.shape)
    groups = np.asarray([f"p{i // 2}" for i in range(n)])
    return Part(np.clip(images, -1, 1).astype(np.float32).repeat(3, axis=1), groups, labels)


def test_closed_forms_agree_with_samples_and_with_each_other() -> None:
    from benchmarks.gaussians import Gaussian, cubic_mean, frechet, kid

    a, b = Gaussian([0.3, -0.5, 0.2], 1.2), Gaussian([0.1, 0.4, 0.0], 0.7)
    x, y = a.draw(400_000, 0), b.draw(400_000, 1)
    sampled = (((x * y).sum(axis=1) / 3 + 1) ** 3).mean()
    np.testing.assert_allclose(cubic_mean(a, b), sampled, rtol=0.01)
    np.testing.assert_allclose(cubic_mean(a, b), cubic_mean(b, a))
    assert kid(a, a) == frechet(a, a) == 0.0
    shifted = Gaussian([0.5, 0.5], 1.0)  # by tensors of moments: of orders one, two and three
    truth = 3 * 0.5 / 2 + 3 * 0.5**2 / 4
    thirds = np.einsum("i,j,k->ijk", *[[0.5, 0.5]] * 3)
    for axes in ("i,jk->ijk", "j,ik->ijk", "k,ij->ijk"):
        thirds = thirds + np.einsum(axes, [0.5, 0.5], np.eye(2))
    truth += (thirds**2).sum() / 8
    np.testing.assert_allclose(kid(Gaussian([0, 0], 1.0), shifted), truth)
    np.testing.assert_allclose(frechet(a, b), 0.2**2 + 0.9**2 + 0.2**2 + 3 * 0.5**2)


@pytest.mark.filterwarnings("ignore:frechet below 2048")
def test_a_gaussian_row_is_near_the_truth() -> None:
    from benchmarks.gaussians import gaussian_row

    for change, strength in (("shift", 1.0), ("scale", 1.5)):
        row = gaussian_row(change, strength, 4, 1000)
        assert row["kid"]["low"] <= row["kid"]["truth"] <= row["kid"]["high"]
        np.testing.assert_allclose(row["frechet"]["value"], row["frechet"]["truth"], rtol=0.25)


def test_thirds_share_no_patient() -> None:
    from benchmarks.faults import thirds

    parts = thirds(part(), 0)
    assert {len(p.images) for p in parts} == {30}
    names = [set(p.groups) for p in parts]
    assert len(names[0] | names[1] | names[2]) == sum(map(len, names))


def test_every_fault_does_what_it_says() -> None:
    from benchmarks.faults import FAULTS, thirds

    parts = thirds(part(), 0)
    reference, undamaged, further = parts

    def damaged(fault: str, strength: float):
        return FAULTS[fault][0](*parts, strength)

    power = [np.diff(damaged("blur", s).images).std() for s in (0.4, 1.0, 2.0)]
    assert np.diff(undamaged.images).std() > power[0] > power[1] > power[2]
    assert np.diff(damaged("noise", 0.1).images).std() > np.diff(undamaged.images).std() + 0.05
    dropped = damaged("mode drop", 0.6)
    assert len(dropped.images) == 30
    assert len({image.tobytes() for image in dropped.images}) == 12
    swapped = damaged("label swap", 0.5)
    assert (swapped.labels != undamaged.labels).sum() == 15
    np.testing.assert_array_equal(swapped.images, undamaged.images)
    copied = damaged("copies", 0.5)
    known = {image.tobytes() for image in reference.images}
    assert sum(image.tobytes() in known for image in copied.images) == 15
    assert len(copied.images) == len(copied.groups) == 30
    assert damaged("other patients", 0.0) is further


def test_a_metric_that_sees_is_told_from_a_blind_one() -> None:
    from benchmarks.faults import thirds
    from benchmarks.known_metrics import anew, fault_row, registered

    metrics = {"kid": registered("kid"), "precision": anew(lambda a, b: 1.0)}
    extract = load_extractor("statistics")
    row = fault_row(thirds(part(), 0), "noise", (0.02, 0.05, 0.2), extract, metrics, 10)
    assert row["metrics"]["kid"]["seen"][-1] is True
    assert row["metrics"]["kid"]["steady"]
    assert row["metrics"]["precision"]["seen"] == [False] * 3
    assert not row["metrics"]["precision"]["steady"]
    assert len(row["metrics"]["kid"]["values"]) == 4
    control = fault_row(thirds(part(), 0), "other patients", (0.0,), extract, metrics, 10)
    assert control["metrics"]["kid"]["seen"] == [False]


def test_too_few_patients_are_not_a_crash() -> None:
    from benchmarks.faults import thirds
    from benchmarks.known_metrics import fault_row, registered

    parts = thirds(part(n=30), 0)
    row = fault_row(
        parts, "mode drop", (0.2, 0.8), load_extractor("pixels-16"), {"kid": registered("kid")}, 10
    )
    assert row["metrics"]["kid"]["differences"][-1] is None
    assert row["metrics"]["kid"]["seen"][-1] is False
    json.dumps(row)


def test_swapped_labels_and_copies_are_seen_by_what_is_made_for_them() -> None:
    from benchmarks.faults import thirds
    from benchmarks.known_metrics import NEAR_COPIES, fault_row, near_copies, within_labels

    parts = thirds(part(n=180), 0)
    extract = load_extractor("pixels-16")
    row = fault_row(parts, "label swap", (1.0,), extract, {"KID within labels": within_labels}, 10)
    assert row["metrics"]["KID within labels"]["seen"] == [True]
    near = near_copies(extract(parts[0].images), extract(parts[2].images))
    row = fault_row(parts, "copies", (0.1, 0.5), extract, {NEAR_COPIES: near}, 10)
    found = row["metrics"][NEAR_COPIES]
    assert found["seen"][-1]
    assert found["values"][-1] >= 0.5
    blind = fault_row(parts, "blur", (1.0,), extract, {NEAR_COPIES: near}, 10)
    assert blind["metrics"] == {}  # it is not made for blur


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    """A list of one source: 60 validation and test images of two labels."""
    made = part(n=60, size=64)
    writer = DatasetWriter(tmp_path / "made", spec_8bit(3, "PNG"), {"licences": ["CC0-1.0"]})
    for i in range(64):
        split = "train" if i >= 60 else "val" if i < 20 else "test"
        name = f"images/{i:03d}.png"
        group = f"train{i}" if i >= 60 else str(made.groups[i])
        row = Row(Path(name), name, split, group, image_type="chest X-ray")
        row.labels = ("Effusion",) if i < 60 and made.labels[i] == "a" else ("Mass",)
        writer.add(row, made.images[i % 60] if i < 60 else -made.images[i % 60])
    writer.finish()
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump([{"path": str(tmp_path / "made")}]))
    return tmp_path / "sources.yaml"


def test_the_benchmark_runs_continues_and_prints_its_tables(
    listing: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from benchmarks import known_answers

    few = {name: known_answers.FAULTS[name] for name in ("noise", "other patients")}
    monkeypatch.setattr(known_answers, "FAULTS", few)
    monkeypatch.setattr(known_answers, "ON_IMAGES", ("high-frequency-ratio",))
    monkeypatch.setattr(known_answers, "ON_FEATURES", ("kid",))
    monkeypatch.setattr(
        known_answers, "available", lambda names: {"statistics": load_extractor("statistics")}
    )
    monkeypatch.setattr(known_answers, "CHANGES", {"shift": (1.0,)})
    argv = ["--profile", "smoke", "--data", str(listing), "--results", str(tmp_path / "results")]
    with pytest.warns(UserWarning, match="below 2048"):
        known_answers.main(argv)
    printed = capsys.readouterr().out
    assert "Which metric sees which fault: statistics" in printed
    content = json.loads((tmp_path / "results/known_answers-smoke.json").read_text())
    seen = content["rows"]["chest X-ray, statistics, noise"]["metrics"]["kid"]["seen"]
    assert seen[-1] is True
    verdict = known_answers.tables(content)[-1]
    assert ["kid", "noise", "statistics 1 of 1", "reached"] in [list(x) for x in verdict.lines]
    assert ["kid", "blur", "", "missed"] in [list(x) for x in verdict.lines]
    for table in known_answers.tables(content):
        assert all(len(line) == len(table.header) for line in table.lines)
    monkeypatch.setattr(known_answers, "fault_row", None)  # a second run measures nothing anew
    known_answers.main(argv)
    assert capsys.readouterr().out == printed


def test_groups_that_an_extractor_was_trained_on_are_left_out(listing: Path) -> None:
    from benchmarks.known_answers import real_parts

    from synthmed.datasets.splits import group_hashes

    every = real_parts(listing, 1, 100, set())["chest X-ray"]
    assert len(every.images) == 60
    row = Row(Path("x"), "x", "test", str(every.groups[0]))
    fewer = real_parts(listing, 1, 100, set(group_hashes([row])))["chest X-ray"]
    assert every.groups[0] not in fewer.groups
    assert len(fewer.images) == 58


def test_all_types_together_are_told_apart_from_each() -> None:
    from benchmarks.known_answers import together
    from benchmarks.known_tables import ALL, tables

    def row(*seen: bool):
        entry = {"values": [0, 1, 2], "differences": [{}, {}], "seen": list(seen), "steady": True}
        return {"n": 30, "strengths": [0.4, 2.0], "metrics": {"kid": entry}}

    rows = {
        "x, statistics, blur": row(False, False),
        "y, statistics, blur": row(True, True),
        f"{ALL}, statistics, blur": row(False, True),
    }
    _, whole, each, verdict = tables({"rows": rows})
    assert [list(line) for line in whole.lines] == [["kid", "from 2, steady"]]
    assert [list(line) for line in each.lines] == [["kid", "1 1 · 2"]]
    assert list(verdict.lines[0]) == ["kid", "blur", "statistics 1 of 2, together yes", "reached"]
    rows[f"{ALL}, statistics, blur"] = row(True, False)
    _, whole, _, verdict = tables({"rows": rows})
    assert whole.lines[0][1] == "no"
    assert verdict.lines[0][3] == "missed"
    joined = together({"x": part(n=6), "y": part(n=4)})
    assert joined.labels.tolist() == ["first"] * 6 + ["other"] * 4

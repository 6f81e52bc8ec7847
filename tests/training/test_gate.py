from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_runs import spied
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SynthmedError
from synthmed.measures.classifier import fit_classifier
from synthmed.models.codec import IdentityCodec
from synthmed.training import attributes, gate
from synthmed.training.attributes import AttributeCheck, attribute_checks
from synthmed.training.data import TrainingImages
from synthmed.training.gate import GateRow, codec_gate
from synthmed.training.settings import GateSettings


class Blur(IdentityCodec):
    """A codec that keeps half the resolution."""

    def decode(self, z_BCHW: Tensor) -> Tensor:
        return interpolate(avg_pool2d(z_BCHW, 2), scale_factor=2, mode="bilinear")


class Tint(IdentityCodec):
    """A codec that makes everything a little red: the mean of a pixel stays."""

    def decode(self, z_BCHW: Tensor) -> Tensor:
        return z_BCHW + torch.tensor([0.02, -0.01, -0.01])[:, None, None]


def judge(codec: Any, images: TrainingImages, folder: Path, **settings: Any) -> dict[str, Any]:
    return codec_gate(
        codec, images, GateSettings(**settings), folder, codec_hash=type(codec).__name__, seed=0
    )


def test_a_perfect_codec_passes(images: TrainingImages, tmp_path: Path) -> None:
    record = judge(IdentityCodec(), images, tmp_path)
    assert record["passed"]
    assert [row["image_type"] for row in record["types"]] == list(images.types())
    for row in record["types"]:
        assert row["n"] == 4
        assert row["psnr"] == 100.0  # infinite, as a number that JSON knows
        assert row["power"] == pytest.approx(1.0)
        assert row["chroma"] == pytest.approx(0.0, abs=1e-4)
        assert row["failures"] == []
    assert json.loads((tmp_path / "gate.json").read_text()) == record
    assert len(list(tmp_path.glob("*.png"))) == 4


def test_a_blurring_codec_fails_in_every_type(images: TrainingImages, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError) as caught:
        judge(Blur(), images, tmp_path, psnr=10)
    message = str(caught.value)
    for kind in images.types():
        assert f"{kind} (fine detail 0." in message
    assert "dB" not in message  # 10 dB is reached: the spectrum alone finds it
    assert "--resume and --set codec.gate.psnr" in message
    record = json.loads((tmp_path / "gate.json").read_text())
    assert not record["passed"]
    assert all(row["power"] < 0.5 for row in record["types"])


def test_the_asked_decibels_may_differ_by_type(images: TrainingImages, tmp_path: Path) -> None:
    with pytest.raises(SynthmedError) as caught:
        judge(Blur(), images, tmp_path, psnr=1, power=0, by_type={"breast ultrasound": 90})
    assert "breast ultrasound (" in str(caught.value)
    assert "of 90 dB)" in str(caught.value)
    assert "dermatoscopy" not in str(caught.value)


def test_going_on_is_recorded(images: TrainingImages, tmp_path: Path) -> None:
    record = judge(Blur(), images, tmp_path, go_on=True)
    assert not record["passed"]
    assert record["settings"]["go_on"]
    assert all(row["failures"] for row in record["types"])


def test_chroma_of_grey_types_is_measured_before_averaging(
    images: TrainingImages, tmp_path: Path
) -> None:
    record = judge(Tint(), images, tmp_path)
    found = {row["image_type"]: row for row in record["types"]}
    # |0.02|, |-0.01|, |-0.01| of a range of 2: 4/3 % of 127.5 levels, less where it is clipped.
    assert found["breast ultrasound"]["chroma"] == pytest.approx(127.5 * 0.04 / 3, rel=0.2)
    assert found["breast ultrasound"]["psnr"] > 45  # averaged, the tint is gone but for clipping
    assert found["dermatoscopy"]["chroma"] == 0.0
    assert found["dermatoscopy"]["psnr"] < 44  # 10 log10(4 / 0.0002) = 43.0


def test_what_was_measured_is_not_measured_again(
    images: TrainingImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SynthmedError):
        judge(Blur(), images, tmp_path)
    calls: list[Any] = []
    measure = spied(gate.measure_codec, lambda codec, *_: calls.append(codec))
    monkeypatch.setattr(gate, "measure_codec", measure)
    record = judge(Blur(), images, tmp_path, psnr=5, power=0.0)
    assert record["passed"]
    assert not calls
    judge(IdentityCodec(), images, tmp_path)  # another codec
    judge(IdentityCodec(), dataclasses.replace(images, key="other"), tmp_path)
    assert len(calls) == 2


def test_a_label_that_is_lost_fails_the_gate() -> None:
    lost = AttributeCheck("nodule", real=0.95, reconstructed=0.90, measurable=True)
    vague = AttributeCheck("oedema", real=0.70, reconstructed=0.50, measurable=False)
    row = GateRow("chest X-ray", 9, 40.0, 0.9, 0.0, [lost, vague])
    assert row.failures(GateSettings()) == ["nodule: AUROC 0.90, on real images 0.95"]
    assert row.failures(GateSettings(attribute_margin=0.06)) == []


@pytest.fixture(scope="module")
def textured() -> TrainingImages:
    """80 + 24 images; half bear a fine texture that a blur takes away ("fibrosis")."""
    rng = np.random.default_rng(0)
    rows, pixels = [], []
    for n in range(104):
        split, has = ("train" if n < 80 else "val"), n % 2 == 0
        image = np.full((64, 64), 120.0) + rng.normal(0, 4, (64, 64))
        if has:
            image += 30 * (np.indices((64, 64)).sum(axis=0) % 2 * 2 - 1)
        labels = ("fibrosis",) if has else ("clear",)
        row = Row(Path(f"{n}"), f"{n}", split, f"p{n}", labels=labels, image_type="lung texture")
        rows.append(row)
        pixels.append(np.repeat(image.clip(0, 255).astype(np.uint8)[None], 3, axis=0))
    return TrainingImages(np.stack(pixels), rows, np.ones(104, np.bool_), [], [], "textured")


def test_a_classifier_sees_which_codec_keeps_a_label(
    textured: TrainingImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []
    fit = functools.cache(lambda: fit_classifier(*calls[0]["of"], groups=[], epochs=15))
    judge = spied(lambda *_, **__: fit(), lambda *a, **k: calls.append({"of": a, **k}))
    monkeypatch.setattr(attributes, "fit_classifier", judge)
    kept = attribute_checks(IdentityCodec(), textured, seed=0)["lung texture"]
    lost = attribute_checks(Blur(), textured, seed=0)["lung texture"]
    assert {check.label for check in kept} == {"fibrosis", "clear"}
    for check in kept:
        assert check.measurable
        assert check.real >= 0.95
        assert check.passed(0.0)
    assert not any(check.passed(0.02) for check in lost)
    train = [textured.rows[i] for i in textured.indices("train")]
    assert calls[0]["groups"] == group_hashes(train)  # the judge saw training rows alone
    assert len(calls[0]["of"][0]) == 80


def test_rare_labels_are_left_out(images: TrainingImages) -> None:
    assert attribute_checks(IdentityCodec(), images, seed=0) == {}

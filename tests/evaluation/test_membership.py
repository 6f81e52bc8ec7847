"""The membership test: a generator that knows its images by heart is seen, others are not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.evaluation.membership import membership
from synthmed.evaluation.membership_card import known_groups, unexpected_groups
from synthmed.evaluation.membership_losses import (
    codec_errors,
    flow_losses,
    record_of,
    through_codec,
)
from synthmed.evaluation.membership_scores import balanced, cross_fitted_calls
from synthmed.evaluation.privacy import privacy
from synthmed.models.codec import IdentityCodec
from synthmed.models.conditioners import LabelConditioner
from synthmed.transport.paths import LinearPath

SIZE = 16


class Sample:
    def __init__(self, sample):
        self.sample = sample


class Heart:
    """A velocity network that knows some images by heart: near them it returns the true target."""

    dtype = torch.float32

    def __init__(self, known, strength):
        self.known, self.strength = torch.as_tensor(np.asarray(known)), strength

    def __call__(self, z, timestep, encoder_hidden_states):
        t = (1 - timestep.double() / 1000).float().reshape(-1, 1, 1, 1)
        guess = z / (t**2 + (1 - t) ** 2) * t  # the best guess where all is Gaussian
        if len(self.known):
            far = ((z[:, None] - t[:, None] * self.known[None]) ** 2).mean(dim=(2, 3, 4))
            best = self.known[far.argmin(dim=1)]
            guess = (1 - self.strength) * guess + self.strength * best
        return Sample((z - guess) / (1 - t).clamp_min(0.05))  # e - x, if z = t x + (1 - t) e


class Blurring(IdentityCodec):
    """A codec that loses detail of all images alike."""

    def decode(self, z):
        return torch.nn.functional.avg_pool2d(z, 3, 1, 1)


class Made:
    """What the membership test needs of a Generator."""

    name, hash, image_size = "made", "a" * 64, SIZE
    device = torch.device("cpu")

    def __init__(self, known=(), strength=0.3, groups=()):
        self.unet, self.codec = Heart(known, strength), Blurring()
        self.path = LinearPath()
        self.conditioners = {"text": None}
        self.card = {"training_groups": list(groups)}
        self.records, self.latent_normalisation = [], {}

    def condition(self, records):
        if any(len(record.get("text", "")) > 200 for record in records):
            raise SynthmedError("the text is too long")
        self.records += records
        return torch.zeros(len(records), 1, 4)

    def null(self, count):
        return torch.zeros(count, 1, 4)


def images(n, seed):
    return np.tanh(np.random.default_rng(seed).normal(0, 0.6, (n, 3, SIZE, SIZE))).astype(
        np.float32
    )


@pytest.fixture
def sides(make_side):
    """80 training and 80 hold-out images of 40 patients each."""
    groups = [[f"{name}:{i // 2}" for i in range(80)] for name in ("t", "h")]
    return tuple(
        make_side(name, images(80, seed), groups=own)
        for name, seed, own in (("train", 1, groups[0]), ("hold-out", 2, groups[1]))
    )


def test_a_generator_that_knows_its_images_is_seen(sides):
    found = membership(Made(sides[0].images()), *sides, draws=4, bootstraps=200)
    assert found.auroc[0] > 0.9
    assert found.auroc[1] > 0.8
    assert found.advantage[1] > 0.5
    assert found.codec_auroc[1] < 0.5 < found.codec_auroc[2]
    assert (found.n_train, found.n_holdout, found.draws) == (80, 80, 4)
    entry = found.to_dict()
    assert entry["auroc"]["value"] == found.auroc[0]
    assert entry["generator"] == "made"


def test_a_generator_that_knows_none_of_them_is_not(sides):
    found = membership(Made(images(80, 7)), *sides, draws=4, bootstraps=200)
    assert found.auroc[1] < 0.5 < found.auroc[2]
    assert found.advantage[1] < 0 < found.advantage[2] + 0.05
    assert abs(found.advantage[0]) < 0.2


def test_it_repeats_and_takes_equal_numbers_of_each_type(make_side):
    kinds = [["a"] * 50 + ["b"] * 10, ["a"] * 20 + ["b"] * 40]
    train = make_side("train", images(60, 1), kinds=kinds[0])
    holdout = make_side("hold-out", images(60, 2), kinds=kinds[1])
    runs = [membership(Made(), train, holdout, n=24, draws=2, bootstraps=50) for _ in range(2)]
    assert runs[0].auroc == runs[1].auroc
    assert runs[0].n_train == runs[0].n_holdout == 24
    other = membership(Made(), train, holdout, n=24, draws=2, bootstraps=50, seed=1)
    assert other.auroc != runs[0].auroc


def test_a_type_that_is_hard_to_draw_is_no_stranger(make_side):
    """Losses of the two types differ by far; the types are dealt unevenly to the sides."""
    flat = images(80, 1) * 0.05
    kinds = [["easy"] * 60 + ["hard"] * 20, ["easy"] * 20 + ["hard"] * 60]
    pixels = [np.concatenate([flat[: n[0]], images(80, s)[: n[1]]]) for n, s in
              (((60, 20), 2), ((20, 60), 3))]  # fmt: skip
    train = make_side("train", pixels[0], kinds=kinds[0])
    holdout = make_side("hold-out", pixels[1], kinds=kinds[1])
    found = membership(Made(), train, holdout, draws=2, bootstraps=200)
    assert found.auroc[1] < 0.5 < found.auroc[2]


def test_losses_do_not_depend_on_the_other_images(sides):
    generator = Made(sides[0].images())
    quiet = lambda _: None  # noqa: E731
    whole = flow_losses(generator, sides[0], 3, 0, quiet)
    part = flow_losses(generator, sides[0].take([5, 70]), 3, 0, quiet)
    assert np.allclose(whole[[5, 70]], part, rtol=1e-6)
    assert not np.allclose(whole, flow_losses(generator, sides[0], 3, 1, quiet))


def test_the_loss_is_that_of_training(sides):
    """For the null velocity the loss is the mean of the squared target, e - x."""
    generator = Made()
    generator.unet = lambda z, timestep, encoder_hidden_states: Sample(torch.zeros_like(z))
    generator.unet = type("Null", (), {"dtype": torch.float32, "__call__": staticmethod(
        lambda z, timestep, encoder_hidden_states: Sample(torch.zeros_like(z)))})()  # fmt: skip
    found = flow_losses(generator, sides[0], 64, 0, lambda _: None)
    power = (sides[0].images().astype(np.float64) ** 2).mean(axis=(1, 2, 3))
    assert np.allclose(found, 1 + power, atol=0.05)


def test_captions_reach_the_network_and_long_ones_do_no_harm(make_side):
    side = make_side("train", images(3, 1), prompts=["one", "two", "three " * 50])
    generator = Made()
    assert np.isfinite(flow_losses(generator, side, 1, 0, lambda _: None)).all()
    assert [record["text"] for record in generator.records[-2:]] == ["one", "two"]


def test_grey_images_of_another_size_are_brought_to_the_generator_s(make_side):
    large = np.repeat(np.repeat(images(4, 1)[:, :1], 2, axis=2), 2, axis=3)
    side = make_side("train", large)
    assert codec_errors(Made(), side).shape == (4,)
    assert through_codec(Made())(side.images()).shape == large.shape


def test_calls_by_thresholds_of_others_are_not_better_than_chance_by_chance():
    """The largest gain over thresholds is about 0.2 for such sets; the cross-fitted one is not."""
    gains = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth, scores = np.repeat([1, 0], 40), rng.normal(size=80)
        calls = cross_fitted_calls(truth, scores, np.arange(80), seed)
        gains.append(calls[:40].mean() - calls[40:].mean())
    assert abs(np.mean(gains)) < 0.05
    truth, scores = np.repeat([1, 0], 40), np.repeat([2.0, 1.0], 40)
    assert (cross_fitted_calls(truth, scores, np.arange(80), 0) == truth).all()


def test_as_many_patients_as_possible_are_tested(make_side):
    groups = [*(["p:many"] * 50), *(f"p:{i}" for i in range(10))]
    train = make_side("train", images(60, 1), groups=groups)
    holdout = make_side("hold-out", images(60, 2))
    members, others = balanced(train, holdout, 15, 0)
    assert len(members) == len(others) == len(set(others)) == 15
    assert len(set(train.groups[members])) == 11
    assert np.array_equal(members, balanced(train, holdout, 15, 0)[0])


def test_too_few_patients_are_an_error(make_side):
    train = make_side("train", images(8, 1), groups=["p:1"] * 8)
    with pytest.raises(SynthmedError, match="4 patients each"):
        membership(Made(), train, make_side("hold-out", images(8, 2)))


def test_the_card_is_asked_who_was_seen(sides):
    def digest(group):
        return hashlib.sha256(group.encode()).hexdigest()

    def said(groups):
        return unexpected_groups(known_groups({"training_groups": groups}, *sides))

    named = [digest(f"t:{i}") for i in range(40)]
    assert known_groups(None, *sides) is None
    assert known_groups({}, *sides) is None
    assert said([]) == said(named) == []
    found = said([*named[1:], digest("h:3")])
    assert found[0] == "39 of 40 training groups of the generator were given"
    assert [text.split()[-3:] for text in found[1:]] == [
        *(["2", "training", "images"], ["2", "hold-out", "images"])
    ]
    counts = known_groups({"training_groups": [*named, "0" * 64]}, *sides).to_dict()
    assert counts == {
        **{"named": 41, "given": 40, "strangers": 0, "n_train": 80, "seen": 0},
        "codec_seen": 0,
    }


def test_hold_out_patients_of_the_codec_are_named(sides):
    def digests(*groups):
        return [hashlib.sha256(group.encode()).hexdigest() for group in groups]

    named = digests(*(f"t:{i}" for i in range(40)))
    card = {"training_groups": named, "codec_groups": digests("t:0", "h:3", "h:4")}
    known = known_groups(card, *sides)
    assert (known.seen, known.codec_seen) == (0, 4)
    assert unexpected_groups(known) == [
        "the generator's codec was trained on the patients of 4 hold-out images"
    ]
    assert known_groups({"training_groups": named, "codec_groups": None}, *sides).codec_seen == 0


def test_a_frame_that_the_codec_does_not_divide_is_filled_up_and_cut_back():
    class Quartering(Blurring):
        factor = 4

        def encode(self, x):
            assert x.shape[-2] % 4 == x.shape[-1] % 4 == 0
            return x

    generator = Made()
    generator.codec = Quartering()
    large = np.random.default_rng(0).uniform(-1, 1, (3, 1, 50, 50)).astype(np.float32)
    found = through_codec(generator)(large)
    assert found.shape == large.shape
    assert np.allclose(found[:, :, 1:49, 1:49], through_codec(Made())(large)[:, :, 1:49, 1:49])


def test_the_section_holds_it(make_side, make_context, sides, monkeypatch):
    train, holdout = sides
    generator = Made(train.images(), groups=["0" * 64])
    monkeypatch.setattr("synthmed.models.generator.Generator.load", lambda *_, **__: generator)
    synthetic = make_side("synthetic", images(10, 9))
    section = privacy(make_context(holdout, synthetic, train, holdout, generator="made"))
    if section.data["copy_rate"] is None:
        pytest.fail(section.data["not_measurable"])
    assert section.data["membership"]["auroc"]["low"] > 0.6
    assert next(light for light in section.lights if "Membership" in light.title).state == "red"
    assert all(light.state != "green" for light in section.lights)
    assert section.data["training_groups"]["given"] == 0
    assert "codec" in section.data["self_test"]["by_kind"]
    assert any("card does not name the patients of 80" in text for text in section.warnings)
    assert any(plot.key == "membership" for plot in section.plots)


def test_the_condition_of_an_image_has_its_domain_and_its_label():
    made = Made()
    row = Row(Path("a"), "a", "train", "s:1", labels=("nevus",), image_type="skin", domain="ward")
    labels = LabelConditioner(["nevus", "ward", "skin"], 4)
    made.conditioners = {"text": None, "domain": LabelConditioner(["ward"], 4)}
    assert record_of(made, row, "a nevus") == {"text": "a nevus", "domain": "ward"}
    assert record_of(made, replace(row, domain="other"), "x")["domain"] == ""
    made.conditioners = {"label": labels, "domain": LabelConditioner(["other"], 4)}
    assert record_of(made, row, "x") == {"label": "nevus", "domain": ""}


def test_the_loss_is_taken_where_the_network_was_trained(make_side):
    """Latents normalised by domain: other statistics are other losses."""
    side = make_side("train", images(4, 1))
    side = replace_rows(side, domain="ward")
    losses = []
    for std in (1.0, 2.0):
        made = Made()
        made.conditioners = {"domain": LabelConditioner(["ward"], 4)}
        made.latent_normalisation = {"ward": {"mean": [0.0] * 3, "std": [std] * 3}}
        losses.append(flow_losses(made, side, 2, 0, lambda _: None))
    assert not np.allclose(*losses)


def replace_rows(side, **columns):
    for row in side.rows:
        for name, value in columns.items():
            setattr(row, name, value)
    return side

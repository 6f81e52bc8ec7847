"""CLIP score and retrieval by an image-text model, here a tiny one with random weights."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from judged_images import CHEST, SIZE, made_side

from synthmed.errors import SynthmedError
from synthmed.evaluation import judged_texts
from synthmed.evaluation.alignment import alignment
from synthmed.evaluation.judged_texts import judge_texts
from synthmed.evaluation.text_image import open_image_text
from synthmed.training.text import train_tokenizer

TEXTS = ["chest X-ray, effusion, 56-year-old woman", "chest X-ray, no finding, 40-year-old man"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A folder with a tiny CLIP model."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    folder = tmp_path_factory.mktemp("clip")
    tokenizer = train_tokenizer(TEXTS * 5, 600, 24)
    tokenizer.save_pretrained(folder)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    size |= {"num_attention_heads": 2, "projection_dim": 8}
    config = CLIPConfig(
        text_config={
            **size,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 24,
            "eos_token_id": tokenizer.eos_token_id,
            "bos_token_id": tokenizer.bos_token_id,
        },
        vision_config={**size, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessorPil(
        size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}
    ).save_pretrained(folder)
    return folder


def test_images_and_texts_are_embedded_alike_whatever_the_batch(clip) -> None:
    model = open_image_text(f"hf:{clip}")
    images = np.random.default_rng(0).uniform(-1, 1, (3, 1, SIZE, SIZE)).astype(np.float32)
    together = model.images(iter([images]))
    assert together.shape == (3, 8)
    assert np.allclose(together, model.images(iter([images[:1], images[1:]])), atol=1e-5)
    texts = model.texts(TEXTS * 20)
    assert texts.shape == (40, 8)
    assert np.allclose(texts[:2], model.texts(TEXTS[:1] + TEXTS[1:]), atol=1e-5)
    assert not np.allclose(texts[0], texts[1])
    assert np.allclose(texts[1], model.texts(TEXTS[1:])[0], atol=1e-5)  # padding is not read
    assert model.cut([TEXTS[0], "effusion " * 30]) == 1
    assert "hf:" in model.id


def test_a_random_model_finds_nothing_and_says_what_chance_is(
    clip, make_side, make_context
) -> None:
    real = made_side(make_side, "real", 40, 0, kinds=(CHEST,))
    made = made_side(make_side, "synthetic", 30, 1, kinds=(CHEST,))
    context = make_context(real, made, extractor="statistics", bootstraps=50, text_model=str(clip))
    section = alignment(context)
    found = section.data["text_image"]
    assert found["n"] == 30  # equal numbers on both sides
    for side in ("real", "synthetic", "shuffled"):
        assert 0 <= found[side]["clip_score"]["value"] <= 100
        one = found[side]["image_to_text"]["1"]
        assert one["chance"] == pytest.approx(1 / 30, abs=0.03)
        assert one["recall"]["value"] < 0.3
    assert found["synthetic"]["clip_score"]["extractor"] == found["model"]
    assert any("Clip" in t.title or "CLIP" in t.title for t in section.tables)
    assert any(found["model"] in sentence for sentence in section.methods)


class Perfect:
    """Embeds each image by its mean grey level, and each text by the number that it states."""

    id, preprocessing, longest = "perfect", "none", 99

    def images(self, batches):
        level = np.concatenate([batch.mean(axis=(1, 2, 3)) for batch in batches])
        return np.stack([np.cos(level), np.sin(level)], axis=1)

    def texts(self, texts):
        level = np.asarray([float(text.split()[-1]) for text in texts])
        return np.stack([np.cos(level), np.sin(level)], axis=1)

    def cut(self, texts):
        return 0


def test_a_model_that_understands_finds_all_and_shuffled_prompts_none(
    make_side, make_context, monkeypatch
) -> None:
    monkeypatch.setattr(judged_texts, "open_image_text", lambda _: Perfect())
    levels = np.linspace(-0.9, 0.9, 40)
    images = np.broadcast_to(levels[:, None, None, None], (40, 1, 16, 16))
    prompts = [f"level {level:.6f}" for level in levels]
    real = make_side("real", images, prompts=prompts)
    made = make_side("synthetic", images, prompts=prompts)
    found = judge_texts(make_context(real, made, text_model="x", bootstraps=50), [])
    for way in ("image_to_text", "text_to_image"):
        assert found["synthetic"][way]["1"]["recall"]["value"] == 1
        assert found["real"][way]["1"]["recall"]["value"] == 1
        assert found["shuffled"][way]["1"]["recall"]["value"] < 0.2
        assert found["synthetic"][way]["10"]["chance"] == pytest.approx(0.25)
    assert found["synthetic"]["clip_score"]["value"] == pytest.approx(100)
    assert found["shuffled"]["clip_score"]["value"] < 95


def test_models_without_text_or_tokenizer_and_missing_ones_are_named(clip, tmp_path) -> None:
    with pytest.raises(SynthmedError, match="no such model folder"):
        open_image_text(str(tmp_path / "nothing"))
    copy = tmp_path / "copy"
    shutil.copytree(clip, copy)
    for file in copy.glob("*token*"):
        file.unlink()
    for name in ("vocab.json", "merges.txt", "special_tokens_map.json"):
        (copy / name).unlink(missing_ok=True)
    with pytest.raises(SynthmedError, match="tokenizer"):
        open_image_text(str(copy))
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        projection_dim=8,
        image_size=16,
        patch_size=8,
    )
    seeing = tmp_path / "vision"
    shutil.copytree(clip, seeing)
    CLIPVisionModelWithProjection(config).save_pretrained(seeing)
    with pytest.raises(SynthmedError, match="does not compare images with texts"):
        open_image_text(str(seeing))


def test_too_few_texts_are_not_measured(make_side, make_context) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (12, 1, 16, 16))
    sides = [make_side(name, images) for name in ("real", "synthetic")]
    few = judge_texts(make_context(sides[0], sides[1].take(np.arange(5)), text_model="x"), [])
    assert "5 images" in few["not_measurable"]

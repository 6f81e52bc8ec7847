from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.training.captions import CaptionTable, caption_table, label_table
from synthmed.training.data import TrainingImages
from synthmed.training.recipe import load_recipe
from synthmed.training.settings import ConditionSettings
from synthmed.training.sources import read_sources
from synthmed.training.text import (
    build_text_conditioner,
    load_text_conditioner,
    train_tokenizer,
)

STYLES = ("simple", "diverse", "diverse+patient")
ROOT = Path(__file__).parents[2]
# One of each kind: accents, ligatures, scripts, signs, emoji with joiners, controls, spaces.
UNICODE = [
    "Röntgenbild, naïve café",
    "ﬁbrosis ½ µm ≥ 3",
    "胸部X線写真",
    "رنتگن قفسه سينه",
    "рентген",
    "हृदय",
    "👩🏽‍⚕️ 🫁",
    "a\u0301 combining",
    "\U0010ffff \ue000",
]


def rows_of(images: TrainingImages, split: str = "train") -> list[Row]:
    return [images.rows[i] for i in images.indices(split)]


@pytest.fixture(scope="session")
def table(images: TrainingImages) -> CaptionTable:
    return caption_table(rows_of(images), STYLES, 6, seed=0)


@pytest.fixture(scope="session")
def tokenizer(table: CaptionTable) -> CLIPTokenizer:
    return train_tokenizer(table.texts, 700, 48)


def test_equally_frequent_pairs_are_always_merged_in_one_order() -> None:
    # A run that is continued makes its tokenizer anew: it must be the same.
    findings = ("opacity", "no finding", "left effusion", "mass on the right", "fibrosis")
    views = ("PA", "AP", "lateral")
    texts = [f"chest X-ray, {view} view, {finding}" for view in views for finding in findings]
    made = {train_tokenizer(texts, 600, 16).backend_tokenizer.to_str() for _ in range(15)}
    assert len(made) == 1


def decoded(tokenizer: CLIPTokenizer, text: str) -> str:
    ids = tokenizer(text)["input_ids"]
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def letters(text: str) -> str:
    return "".join(text.split()).casefold()


def test_captions_survive_the_tokenizer(table: CaptionTable, tokenizer: CLIPTokenizer) -> None:
    for text in table.texts:
        assert letters(decoded(tokenizer, text)) == letters(text)


@pytest.mark.parametrize("text", UNICODE)
def test_any_unicode_is_read_by_its_bytes(text: str, tokenizer: CLIPTokenizer) -> None:
    import unicodedata

    ids = tokenizer(text)["input_ids"]
    assert tokenizer.unk_token_id not in ids[1:-1]  # unknown and end are one token in CLIP
    assert letters(decoded(tokenizer, text)) == letters(unicodedata.normalize("NFC", text))


def test_every_single_byte_sign_is_known(tokenizer: CLIPTokenizer) -> None:
    assert len(tokenizer) >= 514
    for code in (*range(33, 127), *range(161, 173), *range(174, 256)):
        assert letters(decoded(tokenizer, chr(code))) == chr(code).casefold()


def test_merges_shorten_what_is_common_within_the_vocabulary(
    table: CaptionTable, tokenizer: CLIPTokenizer
) -> None:
    text = "chest X-ray, PA view, no finding"
    blank = train_tokenizer([], 514, 48)
    assert 514 < len(tokenizer) <= 700
    assert len(blank) == 514
    assert len(tokenizer(text)["input_ids"]) < len(blank(text)["input_ids"])
    assert len(train_tokenizer(table.texts, 100, 48)) == 514  # the bytes are always there
    ids = {i for t in table.texts for i in tokenizer(t)["input_ids"]}
    assert max(ids) < len(tokenizer)


def test_the_tokenizer_is_the_same_in_every_process(
    table: CaptionTable, tokenizer: CLIPTokenizer, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path / "here")
    train_tokenizer(table.texts, 700, 48).save_pretrained(tmp_path / "again")
    (tmp_path / "texts.txt").write_text("\n".join(table.texts))
    program = (
        "import sys; from synthmed.training.text import train_tokenizer;"
        "texts = open(sys.argv[1]).read().split('\\n');"
        "train_tokenizer(texts, 700, 48).save_pretrained(sys.argv[2])"
    )
    subprocess.run(
        [sys.executable, "-c", program, tmp_path / "texts.txt", tmp_path / "there"], check=True
    )
    expected = (tmp_path / "here" / "tokenizer.json").read_bytes()
    assert (tmp_path / "again" / "tokenizer.json").read_bytes() == expected
    assert (tmp_path / "there" / "tokenizer.json").read_bytes() == expected


def test_a_reopened_tokenizer_is_the_same(
    table: CaptionTable, tokenizer: CLIPTokenizer, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    assert again.model_max_length == 48
    assert again(table.texts)["input_ids"] == tokenizer(table.texts)["input_ids"]


@pytest.mark.parametrize("name", ["base-64", "free-64"])
def test_every_real_caption_fits(
    name: str, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    file = ROOT / "recipes" / f"{name}.yaml"
    if not file.is_file():
        pytest.skip(f"no recipe {name}")
    recipe = load_recipe(file)
    rows = read_sources(recipe.data.sources, file.parent).rows
    by_split = {
        split: caption_table(
            [row for row in rows if row.split == split],
            recipe.data.styles,
            recipe.data.captions,
            recipe.seed,
        )
        for split in ("train", "val")
    }
    settings = recipe.condition
    tokenizer = train_tokenizer(by_split["train"].texts, settings.vocabulary, settings.max_length)
    for table in by_split.values():
        lengths = [len(ids) for ids in tokenizer(table.texts)["input_ids"]]
        assert max(lengths) <= settings.max_length
        assert len(table.texts) > 500


def test_a_caption_table(images: TrainingImages) -> None:
    rows = rows_of(images)
    table = caption_table(rows, STYLES, 6, seed=0)
    assert table.texts[0] == ""
    assert len(set(table.texts)) == len(table.texts)
    assert table.index_NC.shape == (len(rows), 6)
    assert int(table.index_NC.min()) >= 1  # no row's caption is the null
    assert set(table.index_NC.flatten().tolist()) == set(range(1, len(table.texts)))
    again = caption_table(rows, STYLES, 6, seed=0)
    assert again.texts == table.texts
    assert torch.equal(again.index_NC, table.index_NC)
    assert caption_table(rows, STYLES, 6, seed=1).texts != table.texts
    for n, row in enumerate(rows):
        simple = {table.texts[i] for i in table.index_NC[n, ::3].tolist()}
        assert len(simple) == 1  # the simple style has one wording
        assert row.image_type.split()[0].casefold() in simple.pop().casefold()


def test_a_rows_own_text_is_its_caption(images: TrainingImages) -> None:
    row = Row(Path("a.png"), "a.png", "train", "g", text="as written", image_type="chest X-ray")
    table = caption_table([row], STYLES, 4, seed=0)
    assert table.texts == ["", "as written"]
    assert table.index_NC.tolist() == [[1, 1, 1, 1]]


def test_a_label_table() -> None:
    def row(*labels: str) -> Row:
        return Row(Path("a"), "a", "train", "g", labels=labels, image_type="knee X-ray")

    table = label_table([row("b"), row(), row("a", "b"), row("b")])
    assert table.texts == ["", "b", "knee X-ray", "a, b"]
    assert table.index_NC.tolist() == [[1], [2], [3], [1]]
    other = label_table([row("a", "b"), row("new"), row()], known=set(table.texts))
    assert other.texts == ["", "a, b", "knee X-ray"]
    assert other.index_NC.tolist() == [[1], [0], [2]]  # what the model does not know: the null


def test_a_trained_text_model_is_a_function_of_the_seed(table: CaptionTable) -> None:
    settings = ConditionSettings(width=32, layers=1, heads=2, vocabulary=600)
    one, same, other = (build_text_conditioner(table.texts, settings, s) for s in (0, 0, 1))
    x, y, z = (c(["chest X-ray", ""]) for c in (one, same, other))
    assert x.shape == (2, 48, 32)
    assert torch.equal(x, y)
    assert not torch.equal(x, z)


@pytest.fixture(scope="session")
def clip_folder(tokenizer: CLIPTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=40,
        projection_dim=32,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    CLIPTextModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_given_text_model_is_opened_as_it_is(clip_folder: Path) -> None:
    conditioner = load_text_conditioner(ConditionSettings(path=str(clip_folder), max_length=30))
    assert conditioner.length == 30
    assert not conditioner.module.training
    plain = CLIPTextModel.from_pretrained(clip_folder)
    ids = conditioner.token_ids(["breast ultrasound"])
    assert torch.equal(conditioner.embed(ids), plain(input_ids=ids).last_hidden_state)
    longest = load_text_conditioner(ConditionSettings(path=str(clip_folder), max_length=48))
    assert longest.length == 40  # as many positions as the model has


def test_other_text_models_are_refused_before_any_training(
    tokenizer: CLIPTokenizer, tmp_path: Path
) -> None:
    with pytest.raises(SynthmedError, match="the text model cannot be opened"):
        load_text_conditioner(ConditionSettings(path=str(tmp_path)))
    config = BertConfig(
        vocab_size=600,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(SynthmedError, match=r"BertModel .* is no CLIP text model"):
        load_text_conditioner(ConditionSettings(path=str(tmp_path)))


def test_pickled_text_models_are_refused(clip_folder: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(clip_folder, tmp_path / "clip")
    (tmp_path / "clip" / "model.safetensors").unlink()
    state = CLIPTextModel.from_pretrained(clip_folder).state_dict()
    torch.save(state, tmp_path / "clip" / "pytorch_model.bin")
    with pytest.raises(SynthmedError, match="the text model cannot be opened"):
        load_text_conditioner(ConditionSettings(path=str(tmp_path / "clip")))

"""Conditioners: texts and labels to tokens, their nulls, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_models import LABELS, LENGTH, PROMPTS, WIDTH, tiny_labels, tiny_text, tiny_tokenizer

from synthmed.errors import SynthmedError
from synthmed.models.conditioners import LabelConditioner, TextConditioner

pytestmark = pytest.mark.usefixtures("_no_gradients")


@pytest.fixture
def _no_gradients() -> object:
    with torch.no_grad():
        yield


def test_texts_are_padded_to_one_length_and_attended_without_a_mask() -> None:
    text = tiny_text()
    ids = text.token_ids(PROMPTS)
    tokens = text(PROMPTS)
    assert ids.shape == (4, LENGTH)
    assert tokens.shape == (4, LENGTH, WIDTH)
    assert torch.equal(tokens, text.module(input_ids=ids).last_hidden_state)
    assert (text.length, text.width) == (LENGTH, WIDTH)


def test_each_distinct_text_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = tiny_text()
    embed, sizes = text.embed, []

    def spy(ids: torch.Tensor) -> torch.Tensor:
        sizes.append(len(ids))
        return embed(ids)

    monkeypatch.setattr(text, "embed", spy)
    tokens = text(["a", "b", "a", "", "b", "a"])
    assert sizes == [3]
    torch.testing.assert_close(
        tokens, torch.cat([text([t]) for t in ["a", "b", "a", "", "b", "a"]])
    )
    assert not torch.allclose(tokens[0], tokens[1], atol=0.1)


def test_the_null_text_is_a_real_token_sequence() -> None:
    text = tiny_text()
    tokenizer = text.tokenizer
    expected = [tokenizer.bos_token_id, *[tokenizer.eos_token_id] * (LENGTH - 1)]
    assert text.token_ids([""]).tolist() == [expected]
    assert text([""]).isfinite().all()


def test_a_text_is_never_cut(capfd: pytest.CaptureFixture[str]) -> None:
    text = tiny_text()
    longest = "a" * (LENGTH - 2)  # two tokens are the start and the end
    assert text.tokenizer.eos_token_id in text.token_ids([longest])[0, -1:]
    with pytest.raises(SynthmedError) as caught:
        text.token_ids(["short", longest + "b"])
    assert str(caught.value) == (
        f"the text has {LENGTH + 1} tokens, this model reads {LENGTH} [{longest}b]. Shorten it."
    )
    assert capfd.readouterr() == ("", "")


def test_a_tokenizer_longer_than_its_model_is_refused() -> None:
    text, tokenizer = tiny_text(), tiny_tokenizer()
    tokenizer.model_max_length = LENGTH + 1
    with pytest.raises(SynthmedError, match=f"pads to {LENGTH + 1} tokens, the text model has"):
        TextConditioner(tokenizer, text.module)


def test_a_label_is_one_learnt_token_and_the_null_another() -> None:
    labels = tiny_labels()
    assert labels.numbers(["naevus", "", "benign"]).tolist() == [2, 3, 0]
    tokens = labels(["naevus", "", "benign"])
    assert tokens.shape == (3, 1, WIDTH)
    weight = labels.module.get_parameter("embedding.weight")
    assert weight.shape == (len(LABELS) + 1, WIDTH)
    assert torch.equal(tokens[:, 0], weight[[2, 3, 0]])


def test_an_unknown_label_is_named_with_the_known_ones() -> None:
    message = "the model knows no label 'cyst'. Known: benign, malignant, naevus."
    with pytest.raises(SynthmedError, match=f"^{message}$"):
        tiny_labels()(["benign", "cyst"])


def test_labels_are_saved_and_opened(tmp_path: Path) -> None:
    labels = LabelConditioner(["bénin", "злокачественный"], WIDTH)
    labels.save(tmp_path / "labels")
    opened = LabelConditioner.load(tmp_path / "labels")
    values = ["злокачественный", "", "bénin"]
    assert torch.equal(opened(values), labels(values))


@pytest.mark.parametrize("name", ["labels.json", "labels.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "torn", "of another model"])
def test_damaged_labels_are_one_clear_error(tmp_path: Path, name: str, damage: str) -> None:
    tiny_labels().save(tmp_path)
    if damage == "missing":
        (tmp_path / name).unlink()
    elif damage == "torn":
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:20])
    else:
        LabelConditioner(["one"], WIDTH).save(tmp_path / "other")
        (tmp_path / "other" / name).rename(tmp_path / name)
    with pytest.raises(SynthmedError, match="the labels cannot be opened"):
        LabelConditioner.load(tmp_path)

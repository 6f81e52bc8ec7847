"""The options of the utility section: what is taken, and what is refused before images are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Settings
from synthmed.evaluation.evaluate import evaluate
from synthmed.evaluation.utility_parts.options import check_options, options_of, seeds_of


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert options_of(Settings()) == {
        "classifier": "small-cnn",
        "steps": 400,
        "batch_size": 32,
        "seeds": (0, 1, 2),
        "device": "auto",
    }
    check_options(Settings())
    check_options(Settings(utility_label="labels"))


def test_other_options_are_taken() -> None:
    settings = Settings(
        utility_label="sex",
        utility_classifier="small-cnn:32",
        utility_steps=1,
        utility_batch_size=2,
        utility_seeds=(7,),
        utility_device="cpu",
    )
    check_options(settings)
    assert options_of(settings)["seeds"] == (7,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"utility_steps": 0}, "utility_steps is 0"),
        ({"utility_steps": 2.5}, r"utility_steps is 2\.5"),
        ({"utility_steps": True}, "utility_steps is True"),
        ({"utility_batch_size": 1}, "utility_batch_size is 1"),
        ({"utility_seeds": ()}, "at least one seed"),
        ({"utility_seeds": (1, 1)}, "each once"),
        ({"utility_seeds": (-1,)}, "whole numbers"),
        ({"utility_seeds": (2**63,)}, "whole numbers"),
        ({"utility_seeds": "0,1"}, "whole numbers"),
        ({"utility_seeds": None}, "whole numbers"),
        ({"utility_classifier": "vgg"}, "unknown classifier 'vgg'"),
        ({"utility_classifier": "resnet:19"}, "no ResNet of 19 layers"),
        ({"utility_classifier": "small-cnn:17"}, "no side"),
        ({"utility_classifier": "hf:/no/such/folder"}, "no transformers model here"),
        ({"utility_device": "abacus"}, "no device 'abacus'"),
    ],
)
def test_what_trains_nothing_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(SynthmedError, match=message) as caught:
        check_options(Settings(utility_label="labels", **options))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_options_without_a_label_are_refused() -> None:
    with pytest.raises(SynthmedError, match="utility_steps, utility_device: there is no label"):
        check_options(Settings(utility_steps=10, utility_device="cpu"))


def test_an_evaluation_finds_them_before_it_reads_anything(tmp_path: Path) -> None:
    no, settings = tmp_path / "no", Settings(utility_label="labels", utility_classifier="vgg")
    with pytest.raises(SynthmedError, match="unknown classifier"):
        evaluate(no, no, tmp_path / "out", settings=settings)
    assert not (tmp_path / "out").exists()


def test_seeds_on_a_command_line() -> None:
    assert seeds_of("0, 1,12") == (0, 1, 12)
    for text in ("", "a", "1,", "-1", "1.5", "²"):
        with pytest.raises(SynthmedError, match="are no whole numbers"):
            seeds_of(text)

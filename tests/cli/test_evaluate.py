"""synthmed evaluate: exit codes, lines, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import synthmed.evaluation.evaluate as module
from synthmed.cli.evaluate import evaluate
from synthmed.errors import SafetyError
from synthmed.evaluation.evaluate import EvaluateResult
from synthmed.evaluation.sections import Light

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    app = typer.Typer()
    app.command()(evaluate)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the verb hands on; the evaluation itself is tested beside its module."""
    seen: dict[str, object] = {"states": ["green", "amber"]}

    def fake(real: Path, synthetic: Path, out: Path, **options: object) -> EvaluateResult:
        seen.update(options, real=real, synthetic=synthetic)
        if "error" in seen:
            raise SafetyError("the generator was trained on them")
        lights = [Light("Realism", state, "rule", f"it is {state}") for state in seen["states"]]
        return EvaluateResult(out / "report.html", tuple(lights), ("small n",))

    monkeypatch.setattr(module, "evaluate", fake)
    return seen


WORDS = ("--real", "r", "--synthetic", "s", "--out", "o")


def test_options_reach_the_evaluation(run: Run, asked: dict[str, object]) -> None:
    result = run(
        *WORDS, "--train", "t", "--sections", "fidelity, privacy", "--seed", 3, "--utility", "sex"
    )
    assert result.exit_code == 0, result.output
    assert asked["sections"] == ["fidelity", "privacy"]
    assert asked["train"] == Path("t")
    assert (asked["settings"].seed, asked["settings"].utility_label) == (3, "sex")
    assert "green  Realism: it is green" in result.output
    assert "warning: small n" in result.output


def test_the_options_of_utility_reach_the_evaluation(run: Run, asked: dict[str, object]) -> None:
    words = ("--utility", "labels", "--utility-classifier", "resnet:18", "--utility-steps", 9)
    words += ("--utility-batch-size", 4, "--utility-seeds", "0,5", "--utility-device", "cpu")
    assert run(*WORDS, *words).exit_code == 0
    settings = asked["settings"]
    assert settings.utility_classifier == "resnet:18"
    assert (settings.utility_steps, settings.utility_batch_size) == (9, 4)
    assert (settings.utility_seeds, settings.utility_device) == ((0, 5), "cpu")
    bad = run(*WORDS, "--utility", "labels", "--utility-seeds", "one")
    assert bad.exit_code == 2
    assert "are no whole numbers" in bad.stderr


def test_a_red_light_is_exit_code_1(run: Run, asked: dict[str, object]) -> None:
    asked["states"] = ["green", "red"]
    result = run(*WORDS, "--json")
    assert result.exit_code == 1
    assert [light["state"] for light in json.loads(result.stdout)["lights"]] == ["green", "red"]


def test_a_refusal_is_exit_code_3(run: Run, asked: dict[str, object]) -> None:
    asked["error"] = True
    assert run(*WORDS).exit_code == 3


def test_missing_sets_are_exit_code_2(run: Run, tmp_path: Path) -> None:
    result = run("--real", tmp_path / "no", "--synthetic", tmp_path / "no", "--out", tmp_path / "o")
    assert result.exit_code == 2
    assert "no such dataset folder" in result.stderr

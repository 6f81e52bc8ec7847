"""Every bad input: its exit code and its one line, with nothing else on standard error."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synthmed.cli import main
from synthmed.cli.shell import reporting
from synthmed.errors import SafetyError

RUNNER = CliRunner()


def invoke(*words: object) -> tuple[int, str, str]:
    """Run a command line; gives exit code, standard output and standard error."""
    result = RUNNER.invoke(main.app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["generate", "m"], "Missing option '--out'. See 'synthmed generate --help'."),
        (["generate", "m", "--out", "o", "--count", "0"], "Invalid value for '--count': "),
        (["generate", "m", "--out", "o", "--count", "x"], "Invalid value for '--count': "),
        (["genrate"], "No such command 'genrate'. Did you mean 'generate'?"),
        (["generate", "m", "--foo"], "No such option: --foo"),
        (
            ["generate", "m", "--out", "o"],
            "no prompt. Give either --prompt TEXT or --prompts CSV.",
        ),
        (
            ["generate", "m", "--out", "o", "--prompt", "a", "--prompts", "b.csv"],
            "two sources of prompts. Give either --prompt TEXT or --prompts CSV.",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line(words: list[str], message: str) -> None:
    code, out, error = invoke(*words)
    assert (code, out) == (2, "")
    assert error.startswith("synthmed: error: ")
    assert message in error
    assert error.count("\n") == 1


CSV_ERRORS = {
    "": "the prompts file is empty [p.csv]. Give a first row such as: prompt,count,id",
    "text\nchest\n": "no column 'prompt' among text [p.csv]. "
    "Give a first row such as: prompt,count,id",
    "prompt,count\nchest X-ray,no\n": "count 'no' is not a whole number from 1 to 1000000 "
    "[p.csv, row 2]",
    "prompt,id\nchest X-ray,1\nchest X-ray,1\n": "id '1' is also in row 2 [p.csv, row 3]",
    "prompt\nchest X-ray\nzebra\n": "the model knows no word of the prompt [p.csv, row 3]. "
    "Name a type of image that it was trained on: synthmed info lists them.",
}


@pytest.mark.parametrize(("text", "message"), CSV_ERRORS.items())
def test_bad_prompts(text: str, message: str, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    out = tmp_path / "out"
    code, _, error = invoke("generate", tiny, "--prompts", tmp_path / "p.csv", "--out", out)
    assert (code, error) == (2, f"synthmed: error: {message}\n")
    assert not out.exists()


def test_a_missing_prompts_file(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    code, _, error = invoke("generate", tiny, "--prompts", path, "--out", tmp_path / "out")
    message = f"cannot read the prompts: No such file or directory [{path}]"
    assert (code, error) == (2, f"synthmed: error: {message}\n")


def test_unknown_words_warn_and_strict_refuses(tiny: Path, tmp_path: Path) -> None:
    words = ["generate", tiny, "--prompt", "chest X-ray zebra", "--device", "cpu", "--json"]
    code, out, error = invoke(*words, "--out", tmp_path / "a")
    said = "words that the model never saw: zebra ['chest X-ray zebra']"
    assert (code, error) == (0, f"synthmed: warning: {said}\n")
    assert json.loads(out)["warnings"] == [said]
    code, out, error = invoke(*words, "--strict", "--out", tmp_path / "b")
    assert (code, out) == (2, "")
    assert error == f"synthmed: error: {said}. Change the prompt, or leave out --strict.\n"


def test_a_text_that_is_too_long(tiny: Path, tmp_path: Path) -> None:
    code, _, error = invoke("generate", tiny, "--prompt", "chest " * 60, "--out", tmp_path / "out")
    assert code == 2
    assert re.match(r"synthmed: error: the text has \d+ tokens, this model reads 48 \[", error)
    assert error.count("\n") == 1


def test_a_folder_that_is_no_generator(tmp_path: Path) -> None:
    code, _, error = invoke("generate", tmp_path, "--prompt", "a", "--out", tmp_path / "out")
    assert code == 2
    assert error.startswith(f"synthmed: error: no generator here [{tmp_path}]. ")
    assert error.count("\n") == 1


def test_a_pickle_is_refused_with_code_3(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"")
    code, _, error = invoke(
        "generate", tmp_path / "model.ckpt", "--prompt", "a", "--out", tmp_path / "out"
    )
    assert code == 3
    assert error.startswith("synthmed: error: pickled weights can run code and are refused")


def test_a_foreign_folder_and_other_settings_are_refused(tiny: Path, tmp_path: Path) -> None:
    words = ["generate", tiny, "--prompt", "chest X-ray", "--device", "cpu", "--out"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    code, _, error = invoke(*words, tmp_path / "mine")
    assert (code, error) == (
        2,
        "synthmed: error: the folder is not empty and holds no run to continue "
        f"[{tmp_path / 'mine'}]. Name a new or empty folder.\n",
    )
    assert invoke(*words, tmp_path / "out", "--json")[0] == 0
    code, _, error = invoke(*words, tmp_path / "out", "--seed", "1")
    assert (code, error) == (
        2,
        "synthmed: error: the folder was made with other settings: seed 0, now 1 "
        f"[{tmp_path / 'out'}]. Give the same command again, or name another folder.\n",
    )


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    code, _, error = invoke("train", tmp_path / "none.yaml", "--out", tmp_path / "run")
    assert code == 2
    assert error.startswith("synthmed: error: no such recipe [")
    assert error.count("\n") == 1


def test_debug_shows_the_traceback_before_the_line(tmp_path: Path) -> None:
    code, _, error = invoke(
        "generate", tmp_path, "--prompt", "a", "--out", tmp_path / "out", "--debug"
    )
    assert code == 2
    assert error.startswith("Traceback (most recent call last):")
    assert error.splitlines()[-1].startswith("synthmed: error: no generator here")


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted. Give the same command again to continue."),
        (SafetyError("leak"), 3, "leak"),
        (ValueError("two\nlines"), 2, "unexpected ValueError: two lines. --debug shows where."),
    ],
)
def test_exit_codes(
    raised: BaseException,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(**_: object) -> None:
        raise raised

    monkeypatch.setattr("synthmed.models.bundled.bundled_models", broken)
    assert invoke("info") == (code, "", f"synthmed: error: {message}\n")


def test_only_warnings_for_the_user_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(Path(main.__file__))
    with reporting(debug=False):
        warnings.warn_explicit("for\nyou", UserWarning, file, 1)
        warnings.warn_explicit("for programmers", FutureWarning, file, 1)
        warnings.warn_explicit("of a library", UserWarning, "/synthmed/.venv/diffusers/a.py", 1)
    assert capsys.readouterr().err == "synthmed: warning: for you\n"

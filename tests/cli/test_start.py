from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
HEAVY = "torch diffusers transformers pandas datasets scipy matplotlib"


@pytest.mark.parametrize(
    "words",
    [["--help"], ["generate", "--help"], ["train", "--help"], ["demo", "--help"], ["info"]],
    ids=" ".join,
)
def test_help_and_info_start_without_the_heavy_libraries(
    words: list[str], environment: dict[str, str]
) -> None:
    code = (
        "import sys\nfrom synthmed.cli.main import app\n"
        "try:\n    app(sys.argv[1:])\nfinally:\n"
        f"    print('heavy:', [name for name in '{HEAVY}'.split() if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "heavy: []"
    assert len(done.stdout.splitlines()) > 1


def test_without_a_verb_help_is_shown(synthmed: Run) -> None:
    done = synthmed()
    assert done.returncode == 0
    assert "generate" in done.stdout

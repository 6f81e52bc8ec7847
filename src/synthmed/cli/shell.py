"""What all verbs share: errors in one line, exit codes, JSON on standard output."""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmed.errors import SynthmedError

_PACKAGE = Path(__file__).parents[1]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print a machine-readable result; no progress bar.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@contextmanager
def reporting(*, debug: bool) -> Iterator[None]:
    """Run a verb: warnings and errors become one line each, errors an exit code.

    0 done; 2 bad input; 3 refused for safety; 130 interrupted. `--debug` shows the traceback.

    Args:
        debug: Show tracebacks.

    Raises:
        typer.Exit: With the code, if the verb failed.
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    except SynthmedError as error:
        fail(str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        fail("interrupted. Give the same command again to continue.", 130, debug)
    except (typer.Exit, BrokenPipeError):
        raise
    except Exception as error:
        message = " ".join(str(error).split())
        fail(f"unexpected {type(error).__name__}: {message}. --debug shows where.", 2, debug)


def quiet_libraries() -> None:
    """Keep the progress bars and remarks of diffusers and transformers off standard error."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()


def fail(message: str, code: int, debug: bool = False) -> None:
    """Print one line on standard error and leave.

    Raises:
        typer.Exit: With the code.
    """
    if debug:
        traceback.print_exc()
    print(f"synthmed: error: {message}", file=sys.stderr)
    raise typer.Exit(code)


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, *_: object, **__: object
) -> None:
    """Print a warning for the user in one line; those for programmers are left out."""
    if issubclass(category, UserWarning) and Path(filename).is_relative_to(_PACKAGE):
        print(f"synthmed: warning: {' '.join(str(message).split())}", file=sys.stderr)


def print_result(result: dict[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    """Print what a verb did on standard output: as JSON, or the given lines."""
    print(json.dumps(result, indent=2, ensure_ascii=False) if as_json else "\n".join(lines))

"""`synthmed` with a fault: it keeps every image and compares each new one with all of them.

The control of `generate_memory`: its memory grows with the number of images, and its time with the
square of it.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from synthmed.cli.main import app
from synthmed.synthesis.output import Output


def main() -> None:
    """Run the command line with the fault."""
    kept: list[npt.NDArray[np.float32]] = []
    write = Output.write

    def leaking(output: Output, job: Any, image: npt.NDArray[np.float32]) -> None:
        for earlier in kept:
            np.corrcoef(earlier.ravel(), image.ravel())
        kept.append(image.copy())
        write(output, job, image)

    with patch.object(Output, "write", leaking):
        app()


if __name__ == "__main__":
    main()

"""synthmed demo: images of every type of the bundled model, to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, quiet_libraries, reporting


def demo(
    out: Annotated[Path, typer.Option(help="Folder for images, contact sheet and web page.")],
    images: Annotated[int, typer.Option(min=1, help="Images in all, over all types.")] = 64,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make images of every type of the bundled model, a contact sheet and a web page."""
    with reporting(debug=debug):
        quiet_libraries()
        from synthmed.synthesis.demo import demo as run

        command = ["synthmed", "demo", "--out", out.name, "--images", str(images)]
        result = run(out, images=images, command=command, progress=not json)
        facts = {
            "dataset": str(result.dataset.path),
            "images": result.dataset.images,
            "types": result.dataset.types,
            "contact_sheet": str(result.contact_sheet),
            "page": str(result.page),
        }
        lines = [
            f"{result.dataset.images} synthetic images of {len(result.dataset.types)} types",
            f"  web page       {result.page}",
            f"  contact sheet  {result.contact_sheet}",
            f"  dataset        {result.dataset.path}",
        ]
        print_result(facts, lines, as_json=json)

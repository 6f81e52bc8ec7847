"""Write LICENSE and NOTICE beside a Generator's weights: every source of its training images.

python scripts/write_weights_notice.py recipes/base-64.yaml src/synthmed/models/weights/base-64
"""

from __future__ import annotations

import sys
import textwrap
from collections import defaultdict
from pathlib import Path

import yaml

from synthmed.datasets.folder import read_dataset

LICENSE = """\
Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International
SPDX-License-Identifier: CC-BY-NC-SA-4.0

The files in this folder are licensed under the Creative Commons
Attribution-NonCommercial-ShareAlike 4.0 International Public License.
The licence text: https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode

You may share and adapt them for non-commercial purposes if you give credit
(the NOTICE beside this file) and share what you make of them under the same
licence. They come without any warranty, and must not be used for diagnosis,
treatment or any other clinical decision.

The code of synthmed is licensed otherwise: Apache License 2.0.
"""


def main(recipe_file: Path, folder: Path) -> None:
    """Collect the sources of a recipe and write both files."""
    recipe = yaml.safe_load(recipe_file.read_text())
    sources = yaml.safe_load(Path(recipe["data"]["sources"]).read_text())
    lines = [
        f"The weights of {recipe['name']} were trained on images of the following sources",
        "(rows with split = train; the rules are in recipes/sources). No image is contained in",
        "this folder. Thanks to everyone who made these data and gave them away.",
        "",
    ]
    pages: dict[str, set[str]] = defaultdict(set)
    for source in sources:
        data = read_dataset(source["path"], columns=source["columns"], where=source.get("where"))
        train = [row for row in data.rows if row.split == "train"]
        lines += [f"{data.path.name}: {len(train)} images", f"  Licence: {source['licence']}"]
        lines += textwrap.wrap(
            f"Credit: {source['credit'].strip()}", 96, initial_indent="  ", subsequent_indent="    "
        )
        for row in train:
            page = str(row.extra.get("source_url") or row.extra.get("doi") or "")
            if page:
                pages[page].add(str(row.extra.get("licence", "")))
        lines.append("")
    lines += ["Pages of single images, with the licence that the collection states:", ""]
    lines += [f"  {page} ({', '.join(sorted(kinds))})" for page, kinds in sorted(pages.items())]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "LICENSE").write_text(LICENSE)
    (folder / "NOTICE").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

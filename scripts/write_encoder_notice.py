r"""Write LICENSE and NOTICE of the bundled encoder, and the expected scores into its card.

python scripts/write_encoder_notice.py src/synthmed/measures/weights/medical-64 \
    benchmarks/results/encoder_quality-cpu.json
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

from write_weights_notice import LICENSE


def main(folder: Path, results: Path) -> None:
    """Write all three; the results must be those of these weights."""
    card = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    measured = json.loads(results.read_text(encoding="utf-8"))
    if measured["model"]["hash"] != card["weights_sha256"]:
        raise SystemExit("these results are of other weights")
    card["expected"] = {
        name: row[card["name"]] for name, row in measured["rows"].items() if card["name"] in row
    }
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (folder / "encoder.json").write_text(text, encoding="utf-8")
    lines = [
        f"The weights of {card['name']} were trained on images of the following sources. No image",
        "is contained in this folder. Thanks to everyone who made these data and gave them away.",
        "",
    ]
    for source in card["sources"]:
        lines += [
            f"{source['source']}: {source['images']} images (split {', '.join(source['splits'])})",
            f"  Licence: {source['licence']}",
        ]
        lines += textwrap.wrap(
            f"Credit: {source['credit'].strip()}", 96, initial_indent="  ", subsequent_indent="    "
        )
        lines.append("")
    lines += ["Pages of single images, with the licence that the collection states:", ""]
    lines += [f"  {page}" for source in card["sources"] for page in source.get("pages", ())]
    (folder / "LICENSE").write_text(LICENSE, encoding="utf-8")
    (folder / "NOTICE").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

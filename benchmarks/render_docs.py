"""Write the tables of docs/benchmarks.md from the results: `python -m benchmarks.render_docs`.

For each benchmark the results of the largest profile are shown (gpu, else cpu); smoke runs never.
Between `<!-- results: NAME -->` and `<!-- end -->` everything is replaced, the rest stays.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, run

PAGE = ROOT / "docs/benchmarks.md"
RESULTS = ROOT / "benchmarks/results"
SHOWN = ("gpu", "cpu")
MARKED = re.compile(r"<!-- results: (\w+) -->.*?<!-- end -->", re.DOTALL)


def section(name: str, results: Path) -> str:
    """The tables of a benchmark in Markdown, or that it was not yet run.

    Args:
        name: A module of `benchmarks` with a function `tables` of the contents of its results.
        results: Folder of the results.
    """
    files = [results / f"{name}-{profile}.json" for profile in SHOWN]
    found = next((file for file in files if file.is_file()), None)
    if found is None:
        return "*Not yet run.*\n"
    content = json.loads(found.read_text())
    tables = importlib.import_module(f"benchmarks.{name}").tables(content)
    return "\n".join([_about(content), *(table.markdown() for table in tables)])


def _about(content: Mapping[str, Any]) -> str:
    facts = [f"Profile `{content['profile']}`"]
    if model := content.get("model"):
        facts.append(f"model `{model['name']}` ({model['hash'][:12]})")
    if machine := content.get("machine"):
        facts += [machine["gpu"]] if "gpu" in machine else []
        facts.append(f"{machine['processor']}, {machine['threads']} threads")
        facts += [f"{name} {machine[name]}" for name in ("torch", "diffusers")]
    return ", ".join(facts) + ".\n"


def render(page: str, results: Path) -> str:
    """Replace the sections between the markers of a page."""

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- results: {name} -->\n\n{section(name, results)}\n<!-- end -->"

    return MARKED.sub(filled, page)


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(render(PAGE.read_text(), RESULTS))


if __name__ == "__main__":
    run(main)

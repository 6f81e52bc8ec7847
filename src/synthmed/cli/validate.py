"""synthmed validate: whether a dataset folder can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting

if TYPE_CHECKING:
    from synthmed.datasets.validation import Report


def validate(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Dataset folder.")],
    leakage_only: Annotated[
        bool, typer.Option("--leakage-only", help="Look for leakage between splits only.")
    ] = False,
    show: Annotated[int, typer.Option(min=0, help="Findings of a kind in the table.")] = 5,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check a dataset: leakage, damage, contradictions, identifiers. Nothing is changed.

    Exit code: 0 nothing found, 1 findings, 3 leakage between splits.
    """
    with reporting(debug=debug):
        from synthmed.datasets.validation import validate as run

        report = run(dataset, leakage_only=leakage_only)
        if json:
            print_result(report.to_dict(), [], as_json=True)
        else:
            _print_table(report, show)
        if report.leaks:
            raise typer.Exit(3)
        if report.findings:
            raise typer.Exit(1)


def _print_table(report: Report, show: int) -> None:
    """Print the first findings of each kind, and how many there are."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not report.findings:
        console.print(Text(f"{report.path}: {report.rows} rows, nothing found"))
        return
    table = Table("severity", "kind", "where", "what")
    shown: dict[str, int] = {}
    for finding in report.findings:
        shown[finding.kind] = shown.get(finding.kind, 0) + 1
        if shown[finding.kind] <= show:
            cells = (finding.severity, finding.kind, finding.where, finding.message)
            table.add_row(*(Text(_printable(cell), overflow="fold") for cell in cells))
    console.print(table)
    counts = ", ".join(f"{kind} {count}" for kind, count in report.counts.items())
    leaks = f", {len(report.leaks)} of them leakage between splits" if report.leaks else ""
    lines = f"{report.rows} rows, {len(report.findings)} findings{leaks}: {counts}"
    console.print(Text(lines))


def _printable(text: str) -> str:
    """Give a text without control characters, which a hostile file name may hold."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)

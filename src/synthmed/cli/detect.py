"""synthmed detect: which images are likely synthetic, by a trained detector."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting
from synthmed.errors import SynthmedError

if TYPE_CHECKING:
    from synthmed.evaluation.detector import Detector

_COLUMNS = ("file", "image_type", "score", "verdict", "why")


def detect(
    images: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[IMAGES]...", help="Files, folders of images, dataset folders."),
    ] = None,
    detector: Annotated[Path | None, typer.Option(help="Folder of a trained detector.")] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Train a detector instead.")] = False,
    real: Annotated[Path | None, typer.Option(help="--fit: real images.")] = None,
    synthetic: Annotated[Path | None, typer.Option(help="--fit: synthetic images.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for scores.csv and rejected.csv; --fit: for the detector."),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="--fit: frame in pixels; by default the synthetic images'.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="--fit: seed of the draws.")] = 0,
    max_rejected: Annotated[
        int | None, typer.Option(min=0, help="More rejected files than this: exit code 1.")
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Score images as likely synthetic or real. A score proves nothing about a single image.

    Without --out the scores are printed as CSV. --fit trains a detector on --real and --synthetic.
    """
    with reporting(debug=debug):
        if fit:
            if images or detector or real is None or synthetic is None or out is None:
                raise SynthmedError(
                    "--fit takes --real, --synthetic and --out, and no images",
                    mend="synthmed detect --fit --real R --synthetic S --out DETECTOR",
                )
            _fit(real, synthetic, out, size, seed, as_json=json)
            return
        if not images or detector is None or real or synthetic:
            raise SynthmedError(
                "images and a detector are needed",
                mend="synthmed detect IMAGES --detector DETECTOR, or --fit to train one",
            )
        _score(images, detector, out, max_rejected, as_json=json)


def _fit(
    real: Path, synthetic: Path, out: Path, size: int | None, seed: int, *, as_json: bool
) -> None:
    from synthmed.evaluation.detector_training import fit_detector
    from synthmed.training.bars import stage

    with stage("train a detector", shown=not as_json):
        model = fit_detector(real, synthetic, out, size=size, seed=seed)
    for warning in model.card["warnings"]:
        typer.echo(f"synthmed: warning: {warning}", err=True)
    facts = {"detector": str(out), **_summary(model.card)}
    print_result(facts, [*_lines(model), f"detector in {out}"], as_json=as_json)


def _score(
    images: Sequence[Path],
    detector: Path,
    out: Path | None,
    max_rejected: int | None,
    *,
    as_json: bool,
) -> None:
    from synthmed.evaluation.detecting import detect as run
    from synthmed.evaluation.detector import Detector
    from synthmed.training.bars import stage

    told = _lines(Detector.load(detector))
    with stage("detect", shown=not as_json) as report:
        found = run(images, detector, progress=lambda done, every: report(done, every, {}))
    scores = _csv(_COLUMNS, found.images)
    if out is not None:
        from synthmed.imaging.writing import write_atomic

        rejected = _csv(("file", "reason"), found.rejected)
        write_atomic(out / "scores.csv", scores.encode("utf-8", "backslashreplace"))
        write_atomic(out / "rejected.csv", rejected.encode("utf-8", "backslashreplace"))
    for warning in found.warnings:
        typer.echo(_printable(f"synthmed: warning: {warning}"), err=True)
    if out is None and not as_json:
        bad = [f"rejected: {each['file']}: {each['reason']}" for each in found.rejected]
        for line in (*told, *bad):
            typer.echo(_printable(line), err=True)
    facts = {
        "detector": _summary(found.detector),
        "images": found.images,
        "rejected": found.rejected,
        "warnings": found.warnings,
    }
    lines = [scores.rstrip("\n")]
    if out is not None:
        n = sum(each["verdict"] == "likely synthetic" for each in found.images)
        unsure = sum(each["verdict"] == "uncertain" for each in found.images)
        lines = [
            *told,
            f"{n} of {len(found.images)} images likely synthetic, {unsure} uncertain, "
            f"{len(found.rejected)} rejected: see {out}",
        ]
    print_result(facts, lines, as_json=as_json)
    if max_rejected is not None and len(found.rejected) > max_rejected:
        raise typer.Exit(1)


def _summary(card: dict[str, Any]) -> dict[str, Any]:
    """What a detector's card says, without the list of its training groups."""
    left_out = ("training_groups", "format", "kind")
    return {key: value for key, value in card.items() if key not in left_out}


def _lines(model: Detector) -> list[str]:
    """Say what a detector was trained on, and how well it does."""
    card = model.card
    try:
        return _told(card, ", ".join(kind or "unnamed" for kind in model.kinds))
    except (KeyError, TypeError, ValueError) as error:
        raise SynthmedError("the detector's card does not say what it was trained on") from error


def _told(card: dict[str, Any], types: str) -> list[str]:
    area = card["auroc"]
    makers = ", ".join(f"{g['name']} ({g['images']} images)" for g in card["generators"])
    ends = "" if area["low"] is None else f" [{area['low']:.3f}, {area['high']:.3f}]"
    return [
        f"trained on {card['real']['n']} real images of {card['real']['groups']} groups "
        f"({card['real']['path']}) and {card['synthetic']['n']} synthetic ones: {makers}",
        f"types: {types}",
        f"AUROC on held-out groups {area['value']:.3f}{ends}; "
        f"threshold {card['threshold']['value']:.3f}: {card['threshold']['rule']}",
    ]


def _csv(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows({key: _plain(cell) for key, cell in row.items()} for row in rows)
    return text.getvalue()


def _plain(cell: Any) -> Any:
    """Quote a text that a spreadsheet would run."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell


def _printable(text: str) -> str:
    """Give a text without control characters, which a hostile file name may hold."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)

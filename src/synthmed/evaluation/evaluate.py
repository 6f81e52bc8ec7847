"""Evaluate a synthetic dataset against real images: sets in, a report out."""

from __future__ import annotations

import os
import warnings as python_warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path

from synthmed.errors import SynthmedError
from synthmed.evaluation.comparing import Sets, compare
from synthmed.evaluation.context import Context, Settings
from synthmed.evaluation.edits_pairing import names_sources
from synthmed.evaluation.edits_shown import edited_grids, made_grids, name_edits
from synthmed.evaluation.header import header_of
from synthmed.evaluation.patients import hold_back, unknown_patients
from synthmed.evaluation.samples import real_grids
from synthmed.evaluation.sections import Light, Section
from synthmed.evaluation.usable import usable_light
from synthmed.evaluation.utility_parts.options import check_options
from synthmed.measures.features import load_extractor
from synthmed.training.disk import writing

SECTIONS = {
    "fidelity": "Realism and diversity",
    "alignment": "True to the prompts",
    "detectability": "Told apart from real images",
    "edits": "Edits beside their sources",
    "privacy": "Privacy",
    "utility": "Use for training",
}
"""The sections of a report by the modules of this package that hold them, in their order."""
_TAG = "CACHEDIR.TAG"


@dataclass(frozen=True)
class EvaluateResult:
    """What `evaluate` found.

    Attributes:
        report: report.html; report.json, and perhaps report-private.html, lie beside it.
        lights: All verdicts.
        warnings: What concerns the whole report.
    """

    report: Path
    lights: tuple[Light, ...]
    warnings: tuple[str, ...]


def evaluate(
    real: str | os.PathLike[str],
    synthetic: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    train: str | os.PathLike[str] | None = None,
    real_split: str | None = None,
    train_split: str | None = None,
    sections: Sequence[str] | None = None,
    size: int | None = None,
    settings: Settings | None = None,
    command: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> EvaluateResult:
    """Judge a synthetic dataset: is it realistic, diverse, true, useful, and no copy of patients?

    Args:
        real: Real images: a dataset folder, or a YAML list of sources as recipes have it.
        synthetic: The synthetic dataset folder.
        out: Folder of the report: new, empty, or one of an earlier evaluation, whose features
            are used again. A run that was killed continues from them.
        train: The images that the generator was trained on; without them nothing can be said of
            copies.
        real_split: Split of `real`; None takes "test" where there is one. "all" takes every row.
        train_split: Split of `train`; None takes "train" where there is one.
        sections: Names in `SECTIONS`; None takes all ("utility" runs if `utility_label` is set,
            "edits" if synthetic rows name their source).
        size: Side of the frame that all images are brought to, in pixels; None takes the size
            that most synthetic images have, 512 at most.
        settings: Extractor, seed, generator, the options of utility and so on.
        command: The command that was given, to be shown.
        progress: Told what is being done.

    Returns:
        Where the report is, and its verdicts.

    Raises:
        SynthmedError: Bad input: an empty set, sets without a common type, an unknown section,
            extractor, classifier or device, a folder of something else.
        SafetyError: The generator was trained on the real images.
    """
    settings = settings or Settings()
    chosen = _chosen(sections, settings)
    load_extractor(settings.extractor)  # finds a wrong name before anything is read
    check_options(settings)
    folder = _claim(Path(out))
    with writing(folder, "Mend that and give the same command again."):
        return _evaluate(
            Sets(real, synthetic, train, real_split, train_split),
            folder,
            size,
            settings,
            chosen,
            command,
            progress,
        )


def _evaluate(
    sets: Sets,
    folder: Path,
    size: int | None,
    settings: Settings,
    chosen: Sequence[str],
    command: str,
    progress: Callable[[str], None],
) -> EvaluateResult:
    """Compare the sets, run the sections, write the report."""
    context = compare(sets, folder, size, settings, progress)
    if list(chosen) == list(SECTIONS) and not names_sources(context):
        chosen = [name for name in chosen if name != "edits"]
    unknown = unknown_patients(context)
    done = [hold_back(_section(name, context), unknown) for name in chosen]
    if done:
        done[0].lights.insert(0, usable_light(context))
    from synthmed.evaluation.report import write_report

    name_edits(context)
    private = [*real_grids(context), *edited_grids(context)] if settings.with_real_images else []
    header = header_of(context, settings=asdict(settings), command=command)
    found = next((one.data.get("copies") for one in done if one.key == "privacy"), None)
    copies = None if found is None else [copy["synthetic"] for copy in found]
    grids = made_grids(context, copies)
    report = write_report(folder, header, done, grids, private)
    lights = tuple(light for section in done for light in section.lights)
    return EvaluateResult(report, lights, tuple(context.warnings))


def _chosen(sections: Sequence[str] | None, settings: Settings) -> list[str]:
    names = list(SECTIONS) if sections is None else list(dict.fromkeys(sections))
    for name in names:
        if name not in SECTIONS:
            raise SynthmedError(
                f"no section is called {name!r}", mend=f"Known: {', '.join(SECTIONS)}."
            )
    if sections is not None and "utility" in names and not settings.utility_label:
        raise SynthmedError("the section utility needs a label", mend="Give --utility COLUMN.")
    return names


def _claim(out: Path) -> Path:
    """Take a folder that is new, empty or an earlier evaluation's."""
    tag = out / "cache" / _TAG
    if out.exists() and not out.is_dir():
        raise SynthmedError("the report's folder is a file", where=out, mend="Name a folder.")
    if out.is_dir() and any(out.iterdir()) and not tag.is_file():
        raise SynthmedError(
            "the folder is not empty and holds no evaluation",
            where=out,
            mend="Name a new or empty folder.",
        )
    try:
        tag.parent.mkdir(parents=True, exist_ok=True)
        tag.write_text("Signature: 8a477f597d28d172789f06886806bc55\n# made by synthmed evaluate\n")
    except OSError as error:
        raise SynthmedError(f"cannot write: {error.strerror}", where=out) from error
    return out


def _section(name: str, context: Context) -> Section:
    """Run a section; what cannot be measured is said in the report, and the others go on."""
    context.progress(SECTIONS[name])
    try:
        with python_warnings.catch_warnings(record=True) as caught:
            python_warnings.simplefilter("always", UserWarning)
            section: Section = getattr(import_module(f"synthmed.evaluation.{name}"), name)(context)
    except SynthmedError as error:
        context.warnings.append(f"{SECTIONS[name]}: {error}")
        reason = str(error)
        light = Light(SECTIONS[name], "grey", "Grey: it could not be measured.", reason)
        return Section(name, SECTIONS[name], reason, {"not_measurable": reason}, lights=[light])
    told = [str(each.message) for each in caught if issubclass(each.category, UserWarning)]
    new = [text for text in dict.fromkeys(told) if text not in section.warnings]
    return replace(section, warnings=[*section.warnings, *new])

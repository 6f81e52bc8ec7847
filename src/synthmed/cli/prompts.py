"""synthmed prompts: a balanced list of prompts, for `synthmed generate --prompts`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmed.cli.shell import DebugOption, JsonOption, print_result, reporting

if TYPE_CHECKING:
    from synthmed.datasets.combinations import Choices


def prompts(
    source: Annotated[
        Path,
        typer.Argument(metavar="DATASET|CONCEPTS", help="Dataset folder, or YAML of concepts."),
    ],
    out: Annotated[Path, typer.Option(help="CSV to write.")],
    count: Annotated[int, typer.Option(min=1, help="Images in all.")],
    seed: Annotated[int, typer.Option(min=0, help="Decides among equally good choices.")] = 0,
    cap: Annotated[int | None, typer.Option(min=1, help="Images of a concept at most.")] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="[TYPE:]A+B", help="A combination that the data does not have."),
    ] = None,
    image_type: Annotated[
        list[str] | None, typer.Option("--type", help="Image type; by default all.")
    ] = None,
    patients: Annotated[
        bool, typer.Option("--patients", help="Name ages and sexes that the data has.")
    ] = False,
    split: Annotated[str, typer.Option(help="Split whose combinations count.")] = "train",
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a list of prompts in which every concept has an equal share.

    The prompts ask for the combinations of findings and views that the dataset holds.
    """
    with reporting(debug=debug):
        import warnings

        from synthmed.datasets.balanced_prompts import balanced, shares, write_prompts
        from synthmed.datasets.combinations import allowed

        choices = _choices(source, split, image_type or [])
        combinations = list(choices.combinations)
        for text in allow or []:
            combinations += allowed(text, choices.combinations)
        combinations = list({c.prompt: c for c in combinations}.values())
        known = choices.patients if patients else None
        if patients and not known:
            warnings.warn("no age or sex is known: the prompts name no patient", stacklevel=1)
        orders = balanced(combinations, count, seed=seed, cap=cap, patients=known)
        write_prompts(out, orders)
        made = sum(order.count for order in orders)
        if made < count:
            warnings.warn(f"the cap allows {made} of {count} images", stacklevel=1)
        counts = shares(orders)
        facts = {
            "prompts": str(out),
            "rows": len(orders),
            "images": made,
            "asked": count,
            "concepts": [
                {"image_type": kind, "concept": name, "images": n}
                for (kind, name), n in sorted(counts.items())
            ],
        }
        short = "" if made == count else f" of the {count} asked for"
        few, many = min(counts.values()), max(counts.values())
        each = f"{few}" if few == many else f"{few} to {many}"
        line = f"{len(orders)} prompts for {made} images{short} in {out}: "
        line += f"{len(counts)} concepts, {each} each"
        print_result(facts, [line], as_json=json)


def _choices(source: Path, split: str, types: list[str]) -> Choices:
    """Read what prompts may be made of."""
    from synthmed.datasets.combinations import Choices, choices_of
    from synthmed.datasets.concept_files import read_choices
    from synthmed.datasets.folder import read_dataset
    from synthmed.errors import SynthmedError

    if source.is_dir():
        folder = read_dataset(source)
        rows = folder.split(split)
        if not rows:
            raise SynthmedError(f"no row of split {split!r}", where=source)
        found = choices_of(rows)
    else:
        found = read_choices(source)
    if not types:
        return found
    have = {c.image_type for c in found.combinations}
    if missing := [kind for kind in types if kind not in have]:
        raise SynthmedError(
            f"no image type {missing[0]!r}", where=source, mend=f"It has {', '.join(sorted(have))}."
        )
    return Choices([c for c in found.combinations if c.image_type in types], found.patients)

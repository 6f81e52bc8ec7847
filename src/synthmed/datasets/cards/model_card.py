"""The card of a generator, as a README.md with the header that Hugging Face reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthmed.datasets.cards.header import licence_fields, plain, require, tag, with_header
from synthmed.datasets.rows import as_text

_LIMITS = (
    "A label or prompt is an order, not a finding: an image may show what was not asked for and "
    "lack what was.",
    "It repeats what its training images hold: few sources, few devices, more of some ages and "
    "skin colours than of others.",
    "Synthetic is not anonymous: a model can give back an image that it was trained on.",
    "No detail is finer than its image size and its codec allow.",
)
_LABELS = 12  # of a domain, that a card lists
_MISUSE = (
    "No diagnosis, treatment or any other clinical decision; never pass an image off as a real "
    "patient's."
)


def model_card(
    record: Mapping[str, Any], *, licence: str = "", intended_use: str = "", more: str = ""
) -> str:
    """Write the card of a generator.

    Args:
        record: The contents of its synthmed.json.
        licence: Its licence; "" takes what the record states.
        intended_use: What it is for; "" takes what the record states.
        more: Further sections in Markdown, put before the known limits.

    Returns:
        The text of a README.md. Patients are counted, never named, nor are their hashes given.

    Raises:
        SafetyError: No licence or no intended use is stated.
    """
    name = as_text(record.get("name")) or "generator"
    licence = licence.strip() or as_text(record.get("licence"))
    intended_use = intended_use.strip() or as_text(record.get("intended_use"))
    require(licence, intended_use, name)
    limits = record.get("limits")
    stated = [as_text(limit) for limit in limits] if isinstance(limits, list) else []
    parts = [
        f"# {plain(name)}\n",
        _summary(record),
        f"## Intended use\n\n{plain(intended_use)}\n",
        f"## Misuse\n\n{plain(as_text(record.get('misuse')) or _MISUSE)}\n",
        _training(record),
        _domains(record),
        _gate(record),
        more,
        "## Known limits\n\n" + "\n".join(f"- {plain(limit)}" for limit in (*stated, *_LIMITS)),
        f"\n## Licence\n\n{plain(licence)}\n",
    ]
    return with_header(_fields(record, licence), "\n".join(filter(None, parts)))


def _fields(record: Mapping[str, Any], licence: str) -> dict[str, Any]:
    types = [tag(as_text(entry.get("name"))) for entry in _types(record)]
    fields: dict[str, Any] = {**licence_fields(licence)}
    if record.get("pipeline"):
        fields |= {"library_name": "diffusers", "pipeline_tag": "text-to-image"}
    return {**fields, "tags": ["medical", "synthetic", "synthmed", *filter(None, types)]}


def _types(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = record.get("types")
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _summary(record: Mapping[str, Any]) -> str:
    size, count = record.get("image_size", "?"), record.get("parameters")
    many = f", {count / 1e6:.1f} M parameters" if isinstance(count, int | float) else ""
    names = ", ".join(plain(entry.get("name", "")) for entry in _types(record))
    return (
        f"A generator of medical images, {plain(size)} x {plain(size)} pixels{many}. "
        f"Image types: {names or 'not stated'}.\n\nWeights (SHA-256): "
        f"{plain(as_text(record.get('hash')) or 'not stated')}\n"
    )


def _training(record: Mapping[str, Any]) -> str:
    lines = ["## What it was trained on\n"]
    images = record.get("training_images")
    groups, others = record.get("training_groups"), record.get("validation_groups")
    if isinstance(images, int):
        lines.append(f"- {images} images")
    for word, found in (("for training", groups), ("held out for validation", others)):
        if isinstance(found, list):
            lines.append(f"- {len(found)} groups (patients or such) {word}, known by hash only")
    for entry in _types(record):
        if "images" in entry:
            lines.append(f"- {plain(entry.get('name', ''))}: {plain(entry['images'])} images")
    sources = record.get("sources")
    for source in sources if isinstance(sources, list) else []:
        if isinstance(source, dict):
            words = [plain(source[k]) for k in ("source", "licence", "credit") if source.get(k)]
            lines.append("- " + "; ".join(words))
    return "\n".join(lines if len(lines) > 1 else [*lines, "Not stated."]) + "\n"


def _domains(record: Mapping[str, Any]) -> str:
    """What each domain's training images were; "" for a model without domains."""
    found = record.get("domains")
    entries = found.items() if isinstance(found, dict) else ()
    facts = [(name, entry) for name, entry in entries if isinstance(entry, dict)]
    if not facts:
        return ""
    lines = ["## Domains\n", "| domain | images | groups | labels |", "|---|---|---|---|"]
    for name, entry in facts:
        labels = entry.get("labels")
        shares = sorted(labels.items()) if isinstance(labels, dict) else []
        said = ", ".join(f"{plain(label)} {_figure(share, 2)}" for label, share in shares[:_LABELS])
        more = f" and {len(shares) - _LABELS} more" if len(shares) > _LABELS else ""
        cells = (name, entry.get("images", ""), entry.get("groups", ""))
        lines.append(f"| {' | '.join(map(plain, cells))} | {said or 'none stated'}{more} |")
    return "\n".join(lines) + "\n"


def _gate(record: Mapping[str, Any]) -> str:
    training = record.get("training")
    gate = training.get("gate") if isinstance(training, dict) else None
    entries = gate.get("types") if isinstance(gate, dict) else None
    if not isinstance(gate, dict) or not isinstance(entries, list) or not entries:
        return "## Codec\n\nIts PSNR was not measured.\n"
    lines = [
        "## Codec\n",
        "No image is sharper than the codec lets it be. On validation images:\n",
        "| image type | n | PSNR, dB | power above half Nyquist, of real | gate |",
        "|---|---|---|---|---|",
    ]
    for entry in (e for e in entries if isinstance(e, dict)):
        figures = [_figure(entry.get(key), digits) for key, digits in (("psnr", 1), ("power", 2))]
        failures = entry.get("failures")
        verdict = "; ".join(map(plain, failures)) if isinstance(failures, list) else ""
        cells = [plain(entry.get("image_type", "")), plain(entry.get("n", "")), *figures]
        lines.append("| " + " | ".join([*cells, verdict or "passed"]) + " |")
    return "\n".join(lines) + "\n"


def _figure(value: object, digits: int) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.{digits}f}" if number else "not measured"

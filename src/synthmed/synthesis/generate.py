"""Generate: prompts to a labelled synthetic dataset folder, resumable at any point."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmed.datasets.rows import SPLITS
from synthmed.errors import SynthmedError
from synthmed.synthesis.domains import check_domains, check_records, record_of
from synthmed.synthesis.journal import (
    JOURNAL,
    Journal,
    claim,
    clear_errors,
    file_hash,
    remove_temporary,
)
from synthmed.synthesis.output import Output
from synthmed.synthesis.plan import Plan, make_plan
from synthmed.synthesis.prompts import Order, Prompt, as_prompts
from synthmed.synthesis.sampling import Sampler, Sampling
from synthmed.synthesis.words import check_words
from synthmed.training.bars import stage

if TYPE_CHECKING:
    from synthmed.models.generator import Generator


@dataclass(frozen=True)
class GenerateResult:
    """What `generate` made.

    Attributes:
        path: The dataset folder.
        images: Images in the dataset.
        made: Images made by this call; the others were there from an earlier one.
        types: Images by image type, "" where a prompt names none.
        generator: Name of the generator.
        generator_hash: SHA-256 of its weights.
        warnings: Words of the prompts that the model never saw.
        domains: Images by domain; {} where none was asked for.
    """

    path: Path
    images: int
    made: int
    types: dict[str, int]
    generator: str
    generator_hash: str
    warnings: tuple[str, ...]
    domains: dict[str, int] = field(default_factory=dict)


def generate(
    model: Generator | str | os.PathLike[str],
    prompts: Order,
    out: str | os.PathLike[str],
    *,
    domain: str | None = None,
    count: int = 1,
    seed: int = 0,
    steps: int | None = None,
    guidance: float | None = None,
    negative: str | None = None,
    solver: str | None = None,
    batch_size: int = 32,
    split: str = "train",
    strict: bool = False,
    embed_prompt: bool = False,
    device: str = "auto",
    dtype: str = "auto",
    progress: bool = True,
) -> GenerateResult:
    """Make images from prompts and write them as a dataset folder.

    The same call with the same machine gives the same bytes. After a kill or an error it continues
    where it stopped; finished images stay. Images are written batch by batch and never held.

    Args:
        model: A Generator, a folder, a checkpoint, or the name of a bundled one.
        prompts: One prompt, a list, or a CSV (`Path`, or text ending in ".csv": `read_prompts`);
            None for a model that reads nothing but a domain.
        out: The dataset folder: new, empty, or one that the same call began.
        domain: Domain of the images of a prompt that states none; of those that the model knows.
        count: Images of a prompt that states no count.
        seed: Seed of the run; an image's is a hash of it, the prompt's key and the copy.
        steps: Solver steps; None takes the model's own.
        guidance: Guidance scale of a prompt that states none; None takes the model's own.
        negative: Negative prompt of a prompt that states none.
        solver: "euler", "heun" or "multistep"; None takes the model's own.
        batch_size: Images evaluated together; halved where memory does not suffice.
        split: Split that the images go to: "train", "val" or "test".
        strict: A word that the model never saw is an error, not a warning.
        embed_prompt: Write the text of typed prompts into the image files, not just its hash.
        device: "auto", "cpu", "cuda", ...; for a model that is loaded here.
        dtype: "auto", "float32" or "bfloat16"; for a model that is loaded here.
        progress: Show a progress bar on standard error.

    Returns:
        What was made.

    Raises:
        SynthmedError: Bad prompts, domains or options, a folder of something else or of other
            settings, a full disk, no memory for one image.
    """
    _check(count, batch_size, split)
    options = {"steps": steps, "guidance": guidance, "solver": solver}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    Sampling(**given)  # finds bad values before a model is loaded
    rows = as_prompts(prompts, domain or "")
    model = open_model(model, device=device, dtype=dtype)
    check_domains(model, rows)
    findings = check_words(rows, model.known_words, strict=strict)
    for finding in findings:
        warnings.warn(finding, stacklevel=2)
    sampling = Sampling(**{**model.card.get("sampling", {}), **given})
    plan = make_plan(
        rows,
        count=count,
        seed=seed,
        batch_size=batch_size,
        guidance=sampling.guidance,
        negative=negative,
        settings={
            "generator": model.name,
            "generator_hash": model.hash,
            **asdict(sampling),
            "split": split,
            "embed_prompt": embed_prompt,
            "device": model.device.type,
            "dtype": model.dtype,
            "codec_psnr": _codec_psnr(model),
            **({"domain": domain} if domain else {}),
        },
    )
    check_records(model, _records(model, plan))
    output = _output(model, plan, Path(out))
    with clear_errors(output.out):
        claim(output.out, plan)
        made = _fill(Sampler(model, sampling, plan.batch_size), output, progress)
    return GenerateResult(
        path=output.out,
        images=len(plan.jobs),
        made=made,
        types=dict(Counter(output.types[job.prompt] for job in plan.jobs)),
        generator=model.name,
        generator_hash=model.hash,
        warnings=tuple(findings),
        domains=dict(Counter(job.prompt.domain for job in plan.jobs if job.prompt.domain)),
    )


def _records(model: Generator, plan: Plan) -> Iterator[dict[str, str]]:
    """All conditions of a plan, those of negative prompts too."""
    for job in plan.jobs:
        yield record_of(model, job.prompt.text, job.prompt.domain)
        yield record_of(model, job.negative or "")


def _codec_psnr(model: Generator) -> dict[str, float]:
    """Give the codec's PSNR in dB by image type, as its gate measured it; {} where none did."""
    gate = model.card.get("training", {}).get("gate", {})
    return {e["image_type"]: round(e["psnr"], 2) for e in gate.get("types", [])}


def _check(count: int, batch_size: int, split: str) -> None:
    for name, number in (("count", count), ("batch_size", batch_size)):
        if number < 1:
            raise SynthmedError(f"{name} is {number}", mend="Give 1 or more.")
    if split not in SPLITS:
        raise SynthmedError(f"unknown split {split!r}", mend=f"Use one of {', '.join(SPLITS)}.")


def open_model(
    model: Generator | str | os.PathLike[str], *, device: str = "auto", dtype: str = "auto"
) -> Generator:
    """Load a Generator, or take one that is loaded.

    Raises:
        SynthmedError: No such model, or one that was never saved and so has no hash.
    """
    if isinstance(model, str | os.PathLike):
        from synthmed.models.generator import Generator

        model = Generator.load(Path(model), device=device, dtype=dtype)
    if not model.hash:
        raise SynthmedError(
            "the generator was never saved", mend="Save it: images say which weights made them."
        )
    return model


def _output(model: Generator, plan: Plan, out: Path) -> Output:
    """Find the type of every prompt and the channels of every type."""
    types: dict[Prompt, str] = {}
    channels: dict[str, int] = {}
    for prompt in dict.fromkeys(job.prompt for job in plan.jobs):
        entry = None if prompt.image_type else _type(model, prompt)
        types[prompt] = name = str(entry["name"]) if entry else prompt.image_type
        channels[name] = model.channels(name)
    return Output(out, plan, types, channels)


def _type(model: Generator, prompt: Prompt) -> dict[str, Any] | None:
    """The type that a prompt names; of a blank one the model's only type, if it has one."""
    if not prompt.text and len(model.types) == 1:
        return dict(model.types[0])
    return model.type_of(prompt.text)


def _fill(sampler: Sampler, output: Output, progress: bool) -> int:
    """Make what the folder lacks, finish the dataset, and give the number of images made."""
    plan, journal = output.plan, Journal(output.out / JOURNAL)
    if (output.out / "dataset.json").exists():
        if lost := sum(not output.path(job).is_file() for job in plan.jobs):
            raise SynthmedError(
                f"the finished dataset lacks {lost} of its images",
                where=output.out,
                mend="Name a new folder.",
            )
        journal.path.unlink(missing_ok=True)
        return 0
    hashes = {entry["file"]: entry["sha256"] for entry in journal.read()}
    remove_temporary(output.out)
    remove_temporary(output.images)
    batches = [
        jobs
        for jobs in plan.batches()
        if any(hashes.get(job.file_name) != file_hash(output.path(job)) for job in jobs)
    ]
    made = sum(len(jobs) for jobs in batches)
    done = len(plan.jobs) - made
    with stage("images", shown=progress) as report:
        report(done, len(plan.jobs), {})
        for jobs in batches:
            for job, image in zip(jobs, sampler(jobs).numpy(), strict=True):
                output.write(job, image)
            journal.append(
                [{"file": job.file_name, "sha256": file_hash(output.path(job))} for job in jobs]
            )
            done += len(jobs)
            report(done, len(plan.jobs), {})
    output.finish()
    journal.path.unlink(missing_ok=True)
    return made

"""The judges of concepts: two of different architecture, learnt from real images alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SafetyError
from synthmed.evaluation.context import Context
from synthmed.evaluation.sides import Side
from synthmed.measures import judge_features
from synthmed.measures.cross_fitting import Features, Fit
from synthmed.measures.kernel_judge import KernelJudge
from synthmed.measures.linear_probe import LinearProbe
from synthmed.training.augment import SAFE

SYMMETRIC = ("brain MRI",)
"""Image types whose halves the kernel judge compares."""
KERNEL_ID = f"kernel-judge/1 on {judge_features.ID}"
_BATCH = 128
_DIGITS = 12  # of a weights' hash, as they stand in ids


Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class JudgeKind:
    """A way to learn a judge.

    Attributes:
        name: "kernel" or "probe".
        id: Id of the judge, with that of its features.
        preprocessing: What is done to images first.
        fit: Fits a judge of two answers.
        features: Gives the features of some rows of a side, all of one type ("": of all types).
    """

    name: str
    id: str
    preprocessing: str
    fit: Fit
    features: Callable[[Side, Index, str], dict[str, Any]]


def judge_kinds(context: Context, warnings: list[str]) -> list[JudgeKind]:
    """Give the judges that may judge these sets.

    A judge whose model the quality filter used, or whose features were learnt from the real
    patients that it would judge, is left out.

    Args:
        context: The sets; `dataset.json` of the synthetic one names the filter's models.
        warnings: Each judge that is left out is named here.

    Raises:
        SafetyError: No judge is left.
    """
    kinds = [JudgeKind("kernel", KERNEL_ID, judge_features.PREPROCESSING, _kernel, weight_free)]
    try:
        kinds.append(_probe(context))
    except SafetyError as error:
        warnings.append(f"the judge 'probe' is left out: {error}")
    filtered = filter_models(context.synthetic.info)
    left = []
    for kind in kinds:
        if used := _shared(filtered, (kind.id, *kind.id.split(" on "))):
            warnings.append(
                f"the judge {kind.name!r} is left out: the synthetic set was filtered by its "
                f"model ({', '.join(used)})"
            )
        elif kind.name == "probe" and (n := _seen(context)):
            warnings.append(
                f"the judge 'probe' is left out: {kind.id} learnt from {n} of the judged patients"
            )
        else:
            left.append(kind)
    if not left:
        raise SafetyError(
            "no judge is independent of the filter that made the synthetic set",
            mend="Name another --extractor than the filter's.",
        )
    return left


def _probe(context: Context) -> JudgeKind:
    """The linear probe on the settings' extractor; a SafetyError if the filter used that."""
    extracted = context.features(context.real)

    def learnt(side: Side, rows: Index, _: str) -> dict[str, Any]:
        values = context.features(side).values[rows]  # of the whole side: kept in the cache
        return {"features": np.asarray(values, dtype=np.float64)}

    name = f"linear-probe/1 on {extracted.id}"
    return JudgeKind("probe", name, extracted.preprocessing, LinearProbe.fit, learnt)


def weight_free(side: Side, rows: Index, kind: str) -> dict[str, Any]:
    """Give the weight-free features of rows of one type ("": of all types)."""
    operations, symmetric = SAFE.get(kind, ()), kind in SYMMETRIC
    parts = [
        judge_features.judge_features(batch, operations, symmetric)
        for batch in side.take(rows).batches(_BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def filter_models(info: Mapping[str, Any]) -> set[str]:
    """Give the ids of the models by which a set was filtered, and the first digits of their hashes.

    Args:
        info: The contents of its dataset.json; what is not as `synthmed filter` writes it is
            passed over.
    """
    found: set[str] = set()
    entries = info.get("filters")
    for entry in entries if isinstance(entries, list) else ():
        models = entry.get("models") if isinstance(entry, dict) else None
        for model in models if isinstance(models, list) else ():
            if isinstance(model, dict):
                found |= {str(model.get("id", "")), str(model.get("sha256", ""))[:_DIGITS]}
    return found - {""}


def _shared(filtered: set[str], ids: Iterable[str]) -> list[str]:
    """The models of a filter that are among some ids; an id may end in its weights' hash."""
    known = {name for each in ids for name in (each, each.rpartition(":")[2])}
    return sorted(filtered & known)


def _kernel(features: Features, labels: Any, _: Any) -> KernelJudge:
    return KernelJudge.fit(features, labels)


def _seen(context: Context) -> int:
    """Count the real patients whom the extractor says that it was trained on."""
    known = trained_groups(context.settings.extractor)
    names = {hashlib.sha256(str(group).encode()).hexdigest() for group in context.real.groups}
    return len(names & known)


def trained_groups(spec: str) -> set[str]:
    """Give the hashes of the groups that an extractor was trained on, as far as it names them."""
    from synthmed.measures.features import load_extractor

    return set(getattr(load_extractor(spec), "groups", ()))

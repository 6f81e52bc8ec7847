"""A finding before and after the edits of one pair of domains, with controls and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Context, Settings
from synthmed.evaluation.edits_answers import FEWEST_GROUPS, answers, decided, limit_of
from synthmed.evaluation.edits_findings import Array, JudgedFinding
from synthmed.evaluation.edits_pairing import Index, Pairs
from synthmed.evaluation.judged_comparison import mean_area
from synthmed.evaluation.judged_estimates import ends_over_groups, estimate
from synthmed.evaluation.judging import REACHED
from synthmed.evaluation.sides import Side
from synthmed.measures.agreement import auroc

FEWEST = 10
"""Images of each answer that an AUROC within one domain needs, of four patients."""
Data = dict[str, Any]


def finding_of(
    found: JudgedFinding,
    context: Context,
    pairs: Pairs,
    chosen: npt.NDArray[np.bool_],
    partners: Index,
) -> Data:
    """Compare a finding before and after the edits of one pair of domains.

    A judge counts where its AUROC on real held-out patients is at least .80 among the real images
    of the sources' domain and, where both answers have 10 images there, of the target's. Within a
    domain, because a judge that tells the domains apart would pass on both together.

    Args:
        found: The judges' scores.
        context: The compared sides.
        pairs: Edits and their sources.
        chosen: (N,) the pairs of these domains.
        partners: (N,) for each pair the one whose edit the control takes; -1 for none.

    Returns:
        `finding`, `judges` (AUROC in both domains, whether it counts), and, where one counts,
        `before` and `after` (AUROC for the sources' labels), `difference` with its interval,
        `agreement`, `lost`, `invented`, `identity` and `swapped` (differences), `control` (lost
        and invented of other patients' edits), `control_flagged`, `state`, `decided_by`.
    """
    rows = np.flatnonzero(chosen & np.isfinite(found.edits).all(axis=1))
    kind = found.question.kind
    rows = rows[context.synthetic.kinds[pairs.edits[rows]] == kind] if kind else rows
    name = f"{kind}, {found.question.answer}" if kind else found.question.answer
    entry: Data = {"finding": name, "n": len(rows), "judges": {}, "state": "grey"}
    if not len(rows):
        return {**entry, "not_measurable": "no edit of an image whose label is known"}
    domains = str(pairs.source_domains[rows[0]]), str(pairs.target_domains[rows[0]])
    counting = []
    for j, judge in enumerate(found.judges):
        areas = [_within(found, context.real, domain, j) for domain in domains]
        counts = areas[0] is not None and all(a is None or a >= REACHED for a in areas)
        entry["judges"][judge] = {"source": areas[0], "target": areas[1], "counts": counts}
        counting += [j] if counts else []
    if not counting:
        return {**entry, "not_measurable": _why(entry["judges"], domains)}
    if all(entry["judges"][found.judges[j]]["target"] is None for j in counting):
        entry["warning"] = f"the judge could not be tested on real images of {domains[1]}"
    limits = [[_limit(found, context.real, domain, j) for j in counting] for domain in domains]
    return entry | _compared(
        found, context.settings, pairs, rows, np.asarray(counting), partners, limits
    )


def _within(found: JudgedFinding, real: Side, domain: str, judge: int) -> float | None:
    """AUROC of a judge on held-out real patients of one domain; None where there are too few."""
    inside = _tested(found, real, domain)
    return (
        None if inside is None else round(auroc(found.truth[inside], found.real[inside, judge]), 4)
    )


def _limit(found: JudgedFinding, real: Side, domain: str, judge: int) -> float:
    """The score between a judge's answers in a domain; over all domains where it has too few."""
    inside = _tested(found, real, domain)
    rows = slice(None) if inside is None else inside
    return limit_of(found.truth[rows], found.real[rows, judge])


def _tested(found: JudgedFinding, real: Side, domain: str) -> npt.NDArray[np.bool_] | None:
    """The judged real images of one domain; None where an answer has too few."""
    inside = np.asarray([real.rows[i].domain == domain for i in found.rows], dtype=bool)
    truth, groups = found.truth[inside], real.groups[found.rows[inside]]
    for answer in (0, 1):
        few = (truth == answer).sum() < FEWEST
        if few or len(set(groups[truth == answer].tolist())) < FEWEST_GROUPS:
            return None
    return inside


def _compared(
    found: JudgedFinding,
    settings: Settings,
    pairs: Pairs,
    rows: Index,
    counting: Index,
    partners: Index,
    limits: Sequence[Sequence[float]] = (),
) -> Data:
    """The figures of the judges that count; `limits` by judge in the two domains."""
    place = np.searchsorted(found.rows, pairs.sources[rows])
    truth, before = found.truth[place], found.real[np.ix_(place, counting)]
    after, groups = found.edits[np.ix_(rows, counting)], pairs.groups[rows]
    other = partners[rows]
    swapped = np.where(other[:, None] >= 0, found.edits[np.ix_(other, counting)], np.nan)
    usable = np.asarray(np.isfinite(swapped).all(axis=1))
    n = len(rows)

    def loss(y: Any, one: Any, two: Any) -> float:
        return mean_area(y, two) - mean_area(y, one)

    def difference(images: Array, some: npt.NDArray[np.bool_]) -> Data | None:
        arrays = [truth[some], before[some], images[some]]
        if len(set(arrays[0].tolist())) < 2:
            return None
        ends = ends_over_groups(loss, arrays, groups[some], settings)
        return estimate(loss(*arrays), ends, (int(some.sum()), int(some.sum())), found.ids)

    every = np.ones(n, dtype=bool)
    control, change = difference(swapped, usable), difference(after, every)
    known = limits or [[limit_of(found.truth, found.real[:, j]) for j in counting]] * 2
    one, two = (np.asarray(each) for each in known)
    told = answers(truth, before > one, after > two, groups, settings)
    wrong = answers(
        truth[usable], before[usable] > one, swapped[usable] > two, groups[usable], settings
    )
    flagged = decided(control, wrong)[0] == "red"
    state, by = decided(change, told)
    if state == "green" and not flagged:
        state = "amber"  # the test has no power to see a loss
    return {
        "before": round(mean_area(truth, before), 6),
        "after": round(mean_area(truth, after), 6),
        "difference": change,
        "identity": difference(before, every),
        "swapped": control,
        "control": {name: wrong[name] for name in ("lost", "invented")},
        "control_flagged": flagged,
        "state": state,
        "decided_by": by,
        **told,
    }


def _why(judges: Mapping[str, Mapping[str, Any]], domains: tuple[str, str]) -> str:
    """Why no judge counts."""
    source, target = (name or "the sources' domain" for name in domains)
    if all(each["source"] is None for each in judges.values()):
        return (
            f"too few real images of {source} with and without it: {FEWEST} of {FEWEST_GROUPS}"
            " patients each are needed"
        )
    best = max((each["source"] for each in judges.values() if each["source"]), default=0.0)
    there = [each["target"] for each in judges.values() if each["target"] is not None]
    text = f"no judge reaches AUROC {REACHED:.2f} on real held-out patients: the best {best:.2f}"
    return f"{text} in {source}" + (f", {max(there):.2f} in {target}" if there else "")

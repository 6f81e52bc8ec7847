"""Warn where two domains show findings in different shares: then translation invents findings.

A model that is trained to make one set look like another also carries over how often the other
shows a disease (Cohen, Luck and Honari 2018, "Distribution matching losses can hallucinate
features in medical image translation").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.measures.intervals import wilson

SMALLEST = 0.10
"""Differences of shares up to this are not named."""
RULE = (
    f"the shares differ by more than {SMALLEST:.0%} and the difference's 95 % interval (Newcombe,"
    " over patients) excludes 0"
)
_SHOWN = 5
_PATIENTS, _IMAGES = "patients", "images of shared groups"


@dataclass(frozen=True)
class Difference:
    """How much more often a target shows a label than a source.

    Attributes:
        label: The finding or class.
        source: Share of the source's images.
        target: Share of the target's images.
        low: Lower end of the 95 % interval of target - source.
        high: Its upper end.
        n_source: What the interval counts of the source.
        n_target: The same of the target.
        named: Whether it is beyond the rule.
        counted_source: "patients", or "images of shared groups" where it counts these.
        counted_target: The same of the target.
    """

    label: str
    source: float
    target: float
    low: float
    high: float
    n_source: int
    n_target: int
    named: bool
    counted_source: str = _PATIENTS
    counted_target: str = _PATIENTS

    def to_dict(self) -> dict[str, Any]:
        """Give the fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class _Shares:
    """Labels of a domain: share by label, and the number that an interval counts."""

    labels: Mapping[str, float]
    n: int
    shared: bool = False

    @property
    def counted(self) -> str:
        return _IMAGES if self.shared else _PATIENTS


def prevalence_differences(
    card: Mapping[str, Any], source: str, target: str, rows: Sequence[Row] = ()
) -> list[Difference]:
    """Compare how often two domains show each label.

    The interval of a difference is Newcombe's (1998, method 10) from two Wilson intervals, with
    patients (groups) as the numbers, since the images of one patient show the same. Of groups that
    the card names as shared (a simulator's volumes) each image counts, and `counted_source` or
    `counted_target` says so. An image without labels is unknown, not free of findings: shares are
    of the images that state labels, on the card as among the rows. In a domain that states others,
    a label that no image states has the share 0.

    Args:
        card: A Generator's card; `card["domains"]` states the labels of its training images:
            `labelled` and `labelled_groups` (images and patients that state labels; without them
            `images` and `groups`), `labels`, and `shared_groups` (how many of these groups the
            recipe shares between splits; without it none).
        source: Domain of the images.
        target: Domain that they are brought to.
        rows: Rows that state labels, for a domain whose labels the card does not know. Rows
            without a domain count as the source's.

    Returns:
        All labels of both domains, the largest difference first; [] where the labels of one of
        the two are not known.
    """
    one, other = _shares(card, source, rows, blank=True), _shares(card, target, rows)
    if one is None or other is None:
        return []
    found = [_difference(label, one, other) for label in sorted({*one.labels, *other.labels})]
    return sorted(found, key=lambda each: -abs(each.target - each.source))


def prevalence_warnings(
    card: Mapping[str, Any], source: str, target: str, rows: Sequence[Row] = ()
) -> list[str]:
    """Warn of labels whose prevalence differs between two domains, beyond `RULE`.

    Args:
        card: As in `prevalence_differences`.
        source: Domain of the images.
        target: Domain that they are brought to.
        rows: As in `prevalence_differences`.

    Returns:
        One warning that names the labels; or one that the labels of one of the two domains are
        not known while the other's are; else none.
    """
    known = [
        _shares(card, source, rows, blank=True) is not None,
        _shares(card, target, rows) is not None,
    ]
    if sum(known) == 1:
        which = target if known[0] else source
        return [
            f"the labels of {which} are not known: whether translation from {source} to {target}"
            " invents or removes findings cannot be foreseen. Blank labels are unknown: state them,"
            " such as 'no finding'"
        ]
    named = [each for each in prevalence_differences(card, source, target, rows) if each.named]
    if not named:
        return []
    words = [
        f"{each.label} {each.source:.0%} against {each.target:.0%} (difference"
        f" [{each.low:+.0%}, {each.high:+.0%}], {_numbers(each)})"
        for each in named[:_SHOWN]
    ]
    more = f" and {len(named) - _SHOWN} more labels" if len(named) > _SHOWN else ""
    return [
        f"findings are not equally frequent in {source} and {target}: {'; '.join(words)}{more}."
        " Translation may invent or remove them (Cohen, Luck and Honari 2018)"
    ]


def _shares(
    card: Mapping[str, Any], domain: str, rows: Iterable[Row], *, blank: bool = False
) -> _Shares | None:
    """What the card says of a domain's labels, else its rows; None where neither does."""
    domains = card.get("domains")
    entry = domains.get(domain) if isinstance(domains, Mapping) else None
    found = _of_card(entry) if isinstance(entry, Mapping) else None
    if found is not None:
        return found
    names = (domain, "") if blank else (domain,)
    own = [row for row in rows if row.domain in names and row.labels]
    if not own:
        return None
    counts = Counter(label for row in own for label in set(row.labels))
    shared = set(map(str, card.get("shared_groups") or ()))
    named = own if shared else []
    alone = {row.group_id for row in named if {row.group_id, *group_hashes([row])} & shared}
    units = {(row.group_id, i if row.group_id in alone else 0) for i, row in enumerate(own)}
    return _Shares(
        {label: count / len(own) for label, count in counts.items()}, len(units), bool(alone)
    )


def _of_card(entry: Mapping[str, Any]) -> _Shares | None:
    """Labels of a domain's training images; None where they state none."""
    labels = entry.get("labels")
    if not isinstance(labels, Mapping):
        return None
    images = int(entry.get("labelled", entry.get("images", 0) if labels else 0))
    groups = int(entry.get("labelled_groups", min(int(entry.get("groups", 0)), images)))
    alone = 0 < groups <= int(entry.get("shared_groups", 0))
    n = images if alone else groups
    shares = {str(name): float(share) for name, share in labels.items()}
    return _Shares(shares, n, alone) if n else None


def _difference(label: str, source: _Shares, target: _Shares) -> Difference:
    shares = [min(max(side.labels.get(label, 0.0), 0.0), 1.0) for side in (source, target)]
    ends = [wilson(round(p * s.n), s.n) for p, s in zip(shares, (source, target), strict=True)]
    (low_a, high_a), (low_b, high_b) = ends
    p, q = shares
    low = q - p - sqrt(max(q - low_b, 0) ** 2 + max(high_a - p, 0) ** 2)
    high = q - p + sqrt(max(high_b - q, 0) ** 2 + max(p - low_a, 0) ** 2)
    named = abs(q - p) > SMALLEST and (low > 0 or high < 0)
    counted = source.counted, target.counted
    return Difference(label, p, q, low, high, source.n, target.n, named, *counted)


def _numbers(each: Difference) -> str:
    if each.counted_source == each.counted_target == _PATIENTS:
        return f"n {each.n_source} and {each.n_target}"
    counted = each.counted_source, each.counted_target
    return f"n {each.n_source} {counted[0]} and {each.n_target} {counted[1]}"

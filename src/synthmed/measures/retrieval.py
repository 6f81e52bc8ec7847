"""How well images and texts find each other in a joint space: CLIP score and recall@k."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features, same_width


def clip_score(images: Any, texts: Any) -> Array:
    """CLIP score of pairs: 100 · max(cosine, 0) (Hessel et al. 2021, without their factor 2.5).

    Args:
        images: (N, D) embedded images.
        texts: (N, D) embedded texts, in the same order.

    Returns:
        (N,) from 0 to 100.

    Raises:
        SynthmedError: Tables of different shapes, or an embedding of zeros.
    """
    a, b = unit_rows(images), unit_rows(texts)
    same_width(a, b)
    if len(a) != len(b):
        raise SynthmedError(f"{len(a)} images and {len(b)} texts are no pairs")
    return np.asarray(100.0 * np.maximum((a * b).sum(axis=1), 0.0))


def recall_at(similarity: Any, relevant: Any, k: int) -> Array:
    """Recall@k of each query: is something relevant among the k most similar?

    Equal similarities are put in a random order, of which the expectation is taken: a model that
    gives the same number to everything reaches exactly chance.

    Args:
        similarity: (Q, M) similarity of each query with each candidate.
        relevant: (Q, M) booleans; at least one a row.
        k: Number of candidates that are looked at; all of them if there are fewer.

    Returns:
        (Q,) probabilities; 0 or 1 where nothing is tied.

    Raises:
        SynthmedError: Shapes that differ, k below 1, or a query without anything relevant.
    """
    values, wanted = as_features(similarity, "similarities"), np.asarray(relevant, dtype=bool)
    if values.shape != wanted.shape or k < 1:
        raise SynthmedError(f"recall@{k} of {values.shape} similarities for {wanted.shape}")
    if not wanted.any(axis=1).all():
        raise SynthmedError("a query has no relevant candidate")
    k = min(k, values.shape[1])
    edge = np.partition(values, values.shape[1] - k, axis=1)[:, -k]
    above, tied = values > edge[:, None], values == edge[:, None]
    free = k - above.sum(axis=1)
    missed = _missed(tied.sum(axis=1), (tied & wanted).sum(axis=1), free)
    return np.where((above & wanted).any(axis=1), 1.0, 1.0 - missed)


def chance_at(relevant: Any, k: int) -> Array:
    """(Q,) recall@k of a random order, for the same queries and candidates."""
    return recall_at(np.zeros(np.shape(relevant)), relevant, k)


def unit_rows(values: Any) -> Array:
    """(N, D) rows of length 1.

    Raises:
        SynthmedError: No table of finite numbers, or a row of zeros.
    """
    table = as_features(values, "embeddings")
    length = np.linalg.norm(table, axis=1, keepdims=True)
    if (length == 0).any():
        raise SynthmedError("an embedding is all zeros")
    return np.asarray(table / length)


def _missed(tied: Any, wanted: Any, drawn: Any) -> Array:
    """Probability that `drawn` of `tied` candidates hold none of the `wanted` ones."""

    def log_choose(n: Any, k: Any) -> Any:
        return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)

    others = tied - wanted
    possible = drawn <= others
    ways = log_choose(np.where(possible, others, drawn), drawn) - log_choose(tied, drawn)
    return np.where(possible, np.exp(np.minimum(ways, 0.0)), 0.0)

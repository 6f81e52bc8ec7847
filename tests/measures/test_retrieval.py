"""CLIP score and recall@k."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.retrieval import chance_at, clip_score, recall_at


def test_clip_score_of_known_angles() -> None:
    images = np.array([[1.0, 0], [2, 0], [1, 1]])
    texts = np.array([[3.0, 0], [-1, 0], [1, 0]])
    assert np.allclose(clip_score(images, texts), [100, 0, 100 / np.sqrt(2)])
    with pytest.raises(SynthmedError, match="zeros"):
        clip_score(images, np.zeros((3, 2)))
    with pytest.raises(SynthmedError, match="no pairs"):
        clip_score(images, texts[:2])


def test_recall_without_ties_is_the_rank() -> None:
    similarity = np.array([[0.9, 0.5, 0.1], [0.2, 0.1, 0.3]])
    relevant = np.array([[False, True, False], [True, False, False]])
    assert recall_at(similarity, relevant, 1).tolist() == [0, 0]
    assert recall_at(similarity, relevant, 2).tolist() == [1, 1]
    assert recall_at(similarity, relevant, 10).tolist() == [1, 1]


def test_ties_give_the_mean_over_all_orders() -> None:
    values = np.array([2.0, 1, 1, 1, 0])
    for wanted in ([1], [1, 2], [4], [3, 4], [0, 4]):
        relevant = np.isin(np.arange(5), wanted)
        for k in range(1, 6):
            hits = []
            for order in permutations(range(5)):
                ranked = sorted(order, key=lambda i: -values[i])  # stable: ties stay as permuted
                hits.append(bool(set(ranked[:k]) & set(wanted)))
            assert recall_at(values[None], relevant[None], k)[0] == pytest.approx(np.mean(hits))


def test_chance_of_one_and_of_several_relevant_candidates() -> None:
    one = np.eye(50, dtype=bool)
    assert np.allclose(chance_at(one, 5), 0.1)
    three = np.zeros((1, 50), bool)
    three[0, :3] = True
    expected = 1 - (47 * 46 * 45 * 44 * 43) / (50 * 49 * 48 * 47 * 46)
    assert chance_at(three, 5)[0] == pytest.approx(expected)
    draw = np.random.default_rng(0).normal(size=(4000, 50))
    reached = recall_at(draw, np.broadcast_to(three, (4000, 50)), 5).mean()
    assert reached == pytest.approx(expected, abs=0.03)


def test_bad_queries_are_refused() -> None:
    with pytest.raises(SynthmedError, match="no relevant"):
        recall_at(np.zeros((1, 3)), np.zeros((1, 3), bool), 1)
    with pytest.raises(SynthmedError, match="recall@0"):
        recall_at(np.zeros((1, 3)), np.ones((1, 3), bool), 0)

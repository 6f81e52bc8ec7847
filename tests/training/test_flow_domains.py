"""Training with a domain beside the text or the label, and with paired noise."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from flow_tasks import DOMAINS, TEXTS, recipe_of, seen, task_of
from tiny_runs import spied
from torch import Tensor

from synthmed.models.conditioners import LabelConditioner
from synthmed.training.captions import CaptionTable
from synthmed.training.settings import Recipe
from synthmed.training.text import build_text_conditioner


def beside(kind: str = "text+domain", pairing: str = "independent", **changes: Any) -> Recipe:
    """A recipe with a domain beside the text."""
    plain = recipe_of()
    condition = dataclasses.replace(plain.condition, kind=kind, **changes)
    flow = dataclasses.replace(plain.flow, pairing=pairing)
    return recipe_of(condition=condition, flow=flow)


def dropped(recipe: Recipe, steps: int) -> Tensor:
    """Which conditions of which images are dropped: (conditions, steps, 16)."""
    calls = seen(task_of(recipe), steps, "_tokens")
    return torch.stack([torch.stack(values) == 0 for (values,) in calls], dim=1).float()


def test_each_condition_is_dropped_apart_and_for_each_image() -> None:
    found = dropped(beside(dropout=0.3, domain_dropout=0.2), 400)  # (2, 400, 16)
    assert found.mean(dim=(1, 2)).tolist() == pytest.approx([0.3, 0.2], abs=0.02)  # sd .0057
    both = float((found[0] * found[1]).mean())
    assert both == pytest.approx(0.06, abs=0.01)  # sd .003: of each other no trace
    for condition, p in zip(found, (0.3, 0.2), strict=True):  # no fixed count in a batch
        assert float(condition.sum(dim=1).var()) == pytest.approx(16 * p * (1 - p), rel=0.3)
        correlation = torch.corrcoef(condition.T) - torch.eye(16)
        assert float(correlation.abs().max()) < 0.25  # sd .05


@pytest.mark.parametrize("kind", ["text+domain", "label+domain"])
@pytest.mark.parametrize(("text", "domain"), [(0.0, 1.0), (1.0, 0.0)])
def test_one_condition_is_kept_where_the_other_is_always_dropped(
    kind: str, text: float, domain: float
) -> None:
    recipe = beside(kind, dropout=text, domain_dropout=domain)
    conditioner = LabelConditioner(TEXTS[1:], 32) if kind == "label+domain" else None
    calls = seen(task_of(recipe, conditioner), 5, "_tokens")
    shares = torch.stack([torch.stack(values) == 0 for (values,) in calls]).float().mean(dim=(0, 2))
    assert shares.tolist() == [text, domain]


def test_a_domain_changes_no_draw_of_the_text() -> None:
    alone = seen(task_of(recipe_of()), 5, "_tokens")
    together = seen(task_of(beside()), 5, "_tokens")
    for ((text,),), ((same, _),) in zip(alone, together, strict=True):
        assert torch.equal(text, same)


def test_tokens_are_those_of_the_generator() -> None:
    task = task_of(beside())
    texts, domains = torch.tensor([3, 0, 1, 3]), torch.tensor([1, 2, 0, 0])
    records = [
        {"text": TEXTS[a], "domain": DOMAINS[b]} for a, b in zip(texts, domains, strict=True)
    ]
    wanted = task.generator.condition(records)
    tokens = task._tokens([texts, domains])
    assert tokens.shape == (4, 16 + 1, 32)
    assert torch.allclose(tokens, wanted, atol=1e-6)
    null = task._tokens([torch.zeros(1, dtype=torch.long)] * 2)
    assert torch.allclose(null, task.generator.null(1), atol=1e-6)


def test_latents_texts_and_domains_of_a_row_stay_together() -> None:
    task = task_of(beside(pairing="transport", dropout=0.0, domain_dropout=0.0))
    calls: list[list[Tensor]] = []
    task._tokens = spied(task._tokens, calls.append)  # type: ignore[method-assign]
    losses = seen(task, 20, "_loss")
    for (texts, domains), (x, *_) in zip(calls, losses, strict=True):
        bright = (x.mean(dim=(1, 2, 3)) > 0).tolist()
        assert (texts % 2 == 1).tolist() == bright
        assert (domains == 1).tolist() == bright


def test_the_domain_is_learnt_where_the_text_says_nothing() -> None:
    task = task_of(beside(dropout=0.5, domain_dropout=0.0))
    silent = CaptionTable(list(TEXTS), torch.ones(32, 1, dtype=torch.long))
    task.conditions["text"].train = silent
    task.conditions["text"].val = silent
    before = {k: v.clone() for k, v in task.modules["condition-domain"].state_dict().items()}
    for step in range(50):
        task.step(step)
    right = task.validate()["loss"]
    wrong = CaptionTable(list(DOMAINS), 3 - task.conditions["domain"].val.index_NC)
    task.conditions["domain"].val = wrong
    assert task.validate()["loss"] > 2 * right
    after = task.modules["condition-domain"].state_dict()
    assert not torch.equal(after["embedding.weight"], before["embedding.weight"])


def test_a_frozen_text_model_stays_and_the_domain_is_learnt() -> None:
    recipe = beside(path="given", frozen=True)
    text = build_text_conditioner(TEXTS, recipe.condition, 0)
    task = task_of(recipe, text)
    assert list(task.modules) == ["unet", "condition-domain"]
    before = {k: v.clone() for k, v in text.module.state_dict().items()}
    for step in range(3):
        task.step(step)
    assert all(torch.equal(v, before[k]) for k, v in text.module.state_dict().items())
    assert list(task_of(beside()).modules) == ["unet", "condition", "condition-domain"]


def test_a_step_with_everything_is_a_function_of_seed_and_step() -> None:
    recipe = beside(pairing="transport")
    one, other = task_of(recipe), task_of(recipe)
    torch.manual_seed(5)
    first = one.step(3)
    torch.manual_seed(6)
    assert other.step(3) == first
    assert one.validate() == other.validate()


def test_transport_permutes_the_noise_alone_and_within_domains() -> None:
    plain, paired = (
        seen(task_of(beside(pairing=pairing)), 10, "_loss")
        for pairing in ("independent", "transport")
    )
    moved = 0
    for (x, noise, t, tokens), (same_x, other, same_t, same_tokens) in zip(
        plain, paired, strict=True
    ):
        assert torch.equal(x, same_x)
        assert torch.equal(t, same_t)
        assert torch.equal(tokens, same_tokens)
        bright = x.mean(dim=(1, 2, 3)) > 0
        for domain in (bright, ~bright):
            firsts, seconds = noise[domain][:, 0, 0, 0], other[domain][:, 0, 0, 0]
            assert sorted(firsts.tolist()) == sorted(seconds.tolist())
            moved += int((firsts != seconds).sum())
        cost, least = (float(((x - e) ** 2).sum()) for e in (noise, other))
        assert least < cost
    assert moved > 80  # of 160


def test_validation_does_not_depend_on_the_pairing() -> None:
    plain, paired = (
        task_of(beside(pairing=pairing)).validate() for pairing in ("independent", "transport")
    )
    assert plain == paired

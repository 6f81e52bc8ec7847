from __future__ import annotations

from pathlib import Path

import pytest
import torch
from domain_sets import DOMAINS
from tiny_runs import recipe_of

from synthmed.errors import SynthmedError
from synthmed.models.conditioners import LabelConditioner, TextConditioner
from synthmed.training.conditions import ready_conditions
from synthmed.training.data import TrainingImages


@pytest.mark.parametrize("kind", ["text", "label", "domain", "text+domain", "label+domain"])
def test_conditions_come_in_the_order_of_the_kind_and_of_one_width(
    kind: str, tiny_recipe: Path, domain_images: TrainingImages
) -> None:
    recipe = recipe_of(tiny_recipe, f"condition.kind={kind}", "condition.width=48")
    conditions = ready_conditions(recipe, domain_images)
    assert [condition.name for condition in conditions] == kind.split("+")
    assert {condition.conditioner.width for condition in conditions} == {48}
    for condition in conditions:
        wanted = TextConditioner if condition.name == "text" else LabelConditioner
        assert isinstance(condition.conditioner, wanted)
        assert len(condition.train.index_NC) == 30
        assert len(condition.val.index_NC) == 12
        assert condition.train.texts[0] == condition.val.texts[0] == ""
    again = ready_conditions(recipe, domain_images)
    for one, other in zip(conditions, again, strict=True):
        weights = [c.conditioner.module.state_dict().values() for c in (one, other)]
        assert all(map(torch.equal, *weights))


def test_domains_are_those_of_the_rows(tiny_recipe: Path, domain_images: TrainingImages) -> None:
    recipe = recipe_of(tiny_recipe, "condition.kind=text+domain")
    text, domain = ready_conditions(recipe, domain_images)
    assert isinstance(domain.conditioner, LabelConditioner)
    assert domain.conditioner.labels == sorted(DOMAINS)
    for table, split in ((domain.train, "train"), (domain.val, "val")):
        rows = [domain_images.rows[i] for i in domain_images.indices(split)]
        found = [table.texts[int(number)] for (number,) in table.index_NC]
        assert found == [row.domain for row in rows]
    assert not any(name in caption for name in DOMAINS for caption in text.train.texts)


def test_labels_and_domains_begin_with_other_numbers(
    tiny_recipe: Path, domain_images: TrainingImages
) -> None:
    recipe = recipe_of(tiny_recipe, "condition.kind=label+domain")
    label, domain = ready_conditions(recipe, domain_images)
    one, other = (c.conditioner.module.state_dict()["embedding.weight"] for c in (label, domain))
    assert not torch.equal(one[0], other[0])


def test_rows_without_a_domain_are_refused(tiny_recipe: Path, images: TrainingImages) -> None:
    recipe = recipe_of(tiny_recipe, "condition.kind=text+domain")
    with pytest.raises(SynthmedError, match="80 of 80 training and validation rows have no domain"):
        ready_conditions(recipe, images)

"""How the section on privacy was measured, in sentences that can be cited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_copies import FALSE_ALARM, PER_KIND, Found
from synthmed.evaluation.privacy_copy_light import COPY_MARGIN, LEAST_RECALL
from synthmed.evaluation.privacy_searches import LEAST_GROUPS


def methods(context: Context, data: dict[str, Any], found: Sequence[Found]) -> list[str]:
    """Give the sentences.

    Args:
        context: The sides and settings.
        data: The section's data.
        found: What the searches found.
    """
    seed = context.settings.seed
    features = context.features(context.synthetic)
    methods = ", ".join(dict.fromkeys(one.audit.method for one in found))
    sentences = [
        "Framed pixels and files of all synthetic images were compared with those of all training "
        "images, whatever their types, by hash. "
        f"Copies were looked for within each image type that has training and hold-out images of "
        f"at least {LEAST_GROUPS} patients each, by {methods}, with candidates from "
        f"{features.id} ({features.preprocessing}) besides; images of other types, and "
        "those whose nearest training image is of another type, among all types together; seed "
        f"{seed}.",
        f"Thresholds let about {FALSE_ALARM:.0%} of the hold-out images through (conformal "
        "quantile); the false-alarm rate counts hold-out images judged by rules from other "
        "patients (five folds). Rates have 95 % Wilson intervals.",
        f"Self-test: {data['self_test']['planted']} copies of training images were planted, "
        f"{PER_KIND} of each kind and type, and looked for by the same rule; copies traced to the "
        f"right patient count. Fewer than {LEAST_RECALL:.0%} found: no verdict. The margin of the "
        f"copy rate, {COPY_MARGIN:.0%}, was set before measuring.",
    ]
    share = data["closer_to_train"]
    if share is not None:
        sentences.append(
            f"Closer to training images: nearest neighbours in {features.id}; training and "
            f"hold-out images cut to equal numbers of patients and of images of each within each "
            f"type ({share['n_train']} and {share['n_holdout']}, {share['share_of_train']:.0%} of "
            "the training images); interval by the bootstrap over, and "
            "two-sided p value by sign flips of, the patients of the nearest real images; "
            f"seed {seed}."
        )
    if data["authenticity"] is not None:
        sentences.append(
            "Authenticity: Alaa et al. 2022 (share of synthetic images farther from their nearest "
            "training image than that is from its nearest one of another patient; grouped "
            "jackknife over training and synthetic images), beside that of the hold-out images. "
            "C_T: Meehan et al. 2020 (z score; far below 0 where the generator copies)."
        )
    member = data["membership"]
    if member is not None:
        sentences.append(
            f"Membership: flow-matching loss of {member['n_train']} training and "
            f"{member['n_holdout']} hold-out images under their captions by generator "
            f"{member['generator']} ({member['generator_hash'][:12]}), {member['draws']} fixed "
            "times with one noise each, standardised within types; AUROC with a bootstrap over "
            "patients; advantage (Yeom et al. 2018) at thresholds from other patients (five "
            f"folds); control: the codec's error alone; seed {seed}."
        )
    return sentences

"""Cards: what a dataset or a generator is, for people (README.md) and machines (Croissant)."""

from synthmed.datasets.cards.croissant import croissant
from synthmed.datasets.cards.dataset_card import dataset_card
from synthmed.datasets.cards.model_card import model_card

__all__ = ["croissant", "dataset_card", "model_card"]

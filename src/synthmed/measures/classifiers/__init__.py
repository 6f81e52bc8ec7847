"""Trainable image classifiers by name, and how their probabilities are scored.

- ``registry``: ``make_classifier``, and the known names;
- ``small``, ``densenet``, ``resnet``, ``pretrained``: one network family each;
- ``scores``: AUROC, average precision, accuracy, balanced accuracy, for many weightings at once.
"""

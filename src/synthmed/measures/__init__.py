"""Measures: arrays in, results out. Knows no data set and no Generator.

- ``metrics``: the registry of metrics between a real and a synthetic set, with intervals;
- ``fidelity``, ``manifolds``: distances between sets of features;
- ``neighbours``: nearest neighbours and copies of training images;
- ``structure``: PSNR, SSIM, power spectra; ``agreement``: AUROC;
- ``intervals``, ``jackknife``: 95 % intervals over patients;
- ``features``: the registry of extractors; ``classifier``, ``small_cnn``: the trainable one.
"""

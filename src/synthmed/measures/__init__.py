"""Measures: arrays in, results out. Knows no data set and no Generator.

- ``metrics``, ``registry``: the metrics between a real and a synthetic set, with intervals;
- ``fidelity``, ``manifolds``: distances between sets of features; ``kernels``, ``moments``,
  ``balls``, ``radii``, ``search``: their passes;
- ``diversity``, ``likeness``, ``ms_ssim``, ``spectrum``: variety and texture;
- ``neighbours``, ``memorisation``, ``data_copying``: neighbours and what they say of copying;
- ``sizes``: two sets cut to one size;
- ``copies``: the search for copied training images, and planted ones to test it;
- ``edits``: what an edit changed and what it kept;
- ``structure``: PSNR, SSIM, power spectra; ``agreement``: AUROC;
- ``intervals``, ``jackknife``: 95 % intervals over patients;
- ``features``, ``extractors``: the registry of extractors;
- ``classifier``, ``small_cnn``, ``classifiers``: trainable classifiers by name;
- ``cross_fitting``, ``kernel_judge``, ``linear_probe``, ``regression``: judges for few images;
- ``two_sample``, ``forensics``: telling two sets apart; ``retrieval``: CLIP score, recall@k.
"""

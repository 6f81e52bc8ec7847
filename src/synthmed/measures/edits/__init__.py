"""Measures for edited images: a source image beside its counterfactual or translation.

- ``structure``: what of the image's structure is kept;
- ``locality``: where the image changed;
- ``identity``: whether it still looks like the same patient, by a ``verifier``;
- ``flips``, ``nuisance``: whether the target attribute changed, and whether the others stayed;
- ``overlap``: whether lesions and organs stayed where they were.

None of these means anything alone. The edit that changes nothing has a perfect structure, a
perfect identity and perfect overlaps, and a flip rate of 0: every table of edits has a row
"identity", which is the source measured against itself.
"""

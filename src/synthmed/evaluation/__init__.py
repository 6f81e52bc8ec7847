"""Evaluation: what a synthetic dataset is worth, and whom it might expose.

- ``evaluate``: real, synthetic and training images in, a report out;
- ``comparing``: sets read, framed, and without what the generator has seen;
- ``sides``, ``frames``: the compared sets, framed alike; ``store``: features by content hash;
- ``context``, ``sections``: what a section of the report takes and gives;
- one module a section: ``fidelity``, ``alignment``, ``detectability``, ``privacy``, ``utility``;
- ``report``: the pages.
"""

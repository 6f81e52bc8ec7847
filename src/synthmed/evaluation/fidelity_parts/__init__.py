"""Parts of the section "fidelity".

- ``strata``: what is compared: all images, each type, each label;
- ``halves``: two halves of the real set by patient, the baseline of every number;
- ``material``, ``compare``: features, and all metrics of one stratum with their baseline;
- ``samples``, ``excess``, ``yardstick``: what the lights are judged by;
- ``verdicts``, ``lights``, ``tables``, ``plots``, ``notes``: how people are shown it.
"""

"""Copies of training images among synthetic ones, and how well they are found.

- ``audit``: `find_copies`, the whole audit of a set of images;
- ``planting``: copies planted on purpose, their ``kinds`` and the ``changes`` that they went
  through; ``planted``: the self-test that counts how many are found;
- ``detector``: calibrated once, then asked many times; ``calibration``: its threshold, from images
  of other patients; ``leaks``: those of them that look like copies;
- ``known``: the training images, ready to be searched; ``prepare``, ``symmetries``,
  ``descriptors``, ``search``, ``twins``: candidates for every image;
- ``local_match``, ``scores``: tile by tile, how well a candidate fits, and how far it stands out;
- ``views``: nearest and second-nearest training image.
"""

"""The parts of the utility section.

- ``labelled``: images with labels, groups and attributes as arrays;
- ``tasks``: what is to be told apart, from the rows of datasets;
- ``designs``: what a classifier is trained on;
- ``training``: the training, the same for every design;
- ``runs``, ``workers``: a classifier for each design and seed, kept on disk;
- ``options``: what a user may choose, checked;
- ``draws``: intervals over test patients and training seeds;
- ``choosing``: which images of a report's sides are trained and tested on;
- ``seen``: whose images the generator saw;
- ``table``: all of it: ``utility_table``;
- ``subgroups``: rows and gaps of subgroups;
- ``showing``: tables, lights and plots of the report.
"""

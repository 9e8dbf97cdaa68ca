"""Re-identification with generated pictures: whether a classifier of people gains from them (PATN, section 5).

`run.py` has the function `repose.apps.reid`, `settings.py` what it is told. `reduce.py` draws reduced sets and says
how the rest is replaced, `augment.py` generates it, `classifier.py` and `train.py` have the classifiers, `measure.py`
how well they find people, `table.py` the layout of Table 6.
"""

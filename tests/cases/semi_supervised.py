"""Rows for `sklearn.semi_supervised`."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from ..support import Case
from . import data as d

# Of every third row the class is not known.
Y_PARTLY = np.where(np.arange(d.N) % 3 == 0, -1, d.Y_MULTI)
FOREST = RandomForestClassifier(4, random_state=0)

CASES = [
    Case(SelfTrainingClassifier(FOREST), y=Y_PARTLY),
    Case(SelfTrainingClassifier(FOREST), X=d.X_NAN, y=Y_PARTLY),
    Case(SelfTrainingClassifier(LogisticRegression()), y=Y_PARTLY),
]

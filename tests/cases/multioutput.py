"""Rows for `sklearn.multioutput`."""

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from ..support import Case
from . import data as d

CASES = [
    Case(MultiOutputRegressor(Ridge()), y=d.Y_OUTPUTS),
    Case(
        MultiOutputRegressor(GradientBoostingRegressor(n_estimators=3, random_state=0)),
        y=d.Y_OUTPUTS,
    ),
    Case(MultiOutputClassifier(LogisticRegression()), y=d.Y_CLASSES),
    Case(MultiOutputClassifier(LinearSVC()), y=np.column_stack([d.Y_TEXT, d.Y_LABELS])),
    Case(
        MultiOutputClassifier(GradientBoostingClassifier(n_estimators=3, random_state=0)),
        y=d.Y_CLASSES,
    ),
    Case(
        MultiOutputClassifier(DecisionTreeClassifier(random_state=0)),
        X=d.X_NAN,
        y=np.column_stack([d.Y_LABELS, np.where(d.Y_MULTI > 1, "one", "another one")]),
    ),
]

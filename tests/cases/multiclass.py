"""Rows for `sklearn.multiclass`."""

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..support import Case
from . import data as d

BOOSTED = GradientBoostingClassifier(n_estimators=3, random_state=0)
SHALLOW = DecisionTreeClassifier(max_depth=1, random_state=0)


def code(estimator, code_size=2.0, seed=0):
    return OutputCodeClassifier(estimator, code_size=code_size, random_state=seed)


CASES = [
    Case(OneVsRestClassifier(LogisticRegression()), y=d.Y_TEXT, probe=d.X * 1e6),
    Case(OneVsRestClassifier(LinearSVC()), y=d.Y_MULTI),
    Case(OneVsRestClassifier(BOOSTED), y=d.Y_MULTI),
    Case(OneVsRestClassifier(RandomForestClassifier(3, random_state=0)), y=d.Y_TEXT),
    Case(OneVsRestClassifier(SHALLOW), y=d.Y_MULTI),  # ties, and rows of which no member is
    Case(OneVsRestClassifier(DecisionTreeClassifier(random_state=0)), X=d.X_NAN, y=d.Y_MULTI),
    Case(OneVsRestClassifier(DecisionTreeRegressor(max_depth=2)), y=d.Y_MULTI),
    Case(
        OneVsRestClassifier(Ridge()),
        y=d.Y_LABELS,
        native=("predict",),
        reason="labels of two classes",
    ),
    Case(
        OneVsRestClassifier(LogisticRegression()),
        y=d.Y_LABELS,
        native=("predict",),
        reason="labels of two classes",
    ),
    Case(
        OneVsRestClassifier(BOOSTED),
        y=np.column_stack([d.Y_BINARY, d.X[:, 2] > 0]).astype(int),
        native=("predict",),
        reason="or of several",
    ),
    Case(OneVsOneClassifier(LogisticRegression()), y=d.Y_TEXT, probe=d.X * 1e6),
    Case(OneVsOneClassifier(LogisticRegression()), y=d.Y_LABELS, probe=np.zeros((2, 6))),
    Case(OneVsOneClassifier(LinearSVC()), y=d.Y_MULTI),
    Case(OneVsOneClassifier(BOOSTED), y=d.Y_MULTI),
    Case(OneVsOneClassifier(GaussianNB()), y=d.Y_TEXT),
    Case(OneVsOneClassifier(GaussianNB()), y=d.Y_BINARY),
    # Ties, of votes and of confidences too.
    *(Case(OneVsOneClassifier(SHALLOW), y=y, exact=True) for y in (d.Y_MULTI, d.Y_LABELS)),
    Case(OneVsOneClassifier(DecisionTreeClassifier(random_state=0)), X=d.X_NAN, y=d.Y_TEXT),
    Case(
        OneVsOneClassifier(DecisionTreeRegressor(max_depth=2)),
        y=d.Y_MULTI,
        native=("predict", "decision_function"),
        reason="regressors",
    ),
    Case(
        OneVsOneClassifier(SVC(kernel="precomputed")),
        X=d.X @ d.X.T,
        y=d.Y_MULTI,
        native=("predict", "decision_function"),
        reason="precomputed",
    ),
    Case(code(LogisticRegression()), y=d.Y_TEXT, probe=d.X * 1e6),
    Case(
        code(LogisticRegression(), code_size=1.5),
        y=d.Y_MULTI,
        native=("predict",),
        reason="the same code",
    ),
    Case(code(LinearSVC(), code_size=4), y=d.Y_LABELS),  # some members always say the same
    Case(code(GaussianNB(), code_size=3), y=d.Y_TEXT),
    Case(code(BOOSTED), y=d.Y_MULTI),
    Case(code(DecisionTreeClassifier(random_state=0), code_size=2), y=d.Y_TEXT),  # many ties
    Case(code(DecisionTreeClassifier(random_state=0), code_size=1, seed=0), X=d.X_NAN, y=d.Y_MULTI),
    Case(code(SHALLOW), y=d.Y_MULTI, native=("predict",), reason="equally near"),
    Case(
        code(RandomForestClassifier(3, random_state=0)),
        y=d.Y_MULTI,
        native=("predict",),
        reason="equally near",
    ),
]

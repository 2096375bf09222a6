"""Rows for `sklearn.multioutput`."""

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..support import Case
from . import data as d

TREE = DecisionTreeClassifier(max_depth=4, random_state=0)
BOOSTED = GradientBoostingClassifier(n_estimators=3, random_state=0)
BINARY = np.column_stack([d.Y_BINARY, d.X[:, 2] > 0, d.Y_MULTI > 1]).astype(int)
NATIVE_LOGARITHMS = {"native": ("predict_log_proba",), "reason": "close to 1"}

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
    Case(RegressorChain(Ridge()), y=d.Y_OUTPUTS),
    Case(RegressorChain(Ridge(), order=[2, 0, 1]), y=d.Y_OUTPUTS, probe=(d.X * 9).astype(int)),
    Case(RegressorChain(LinearRegression(), order="random", random_state=1), y=d.Y_OUTPUTS),
    Case(
        RegressorChain(LinearRegression(), cv=3),
        y=np.column_stack([d.Y_REAL, d.Y_REAL + 1e-3 * d.X[:, 1] ** 2]),
    ),
    Case(
        RegressorChain(LinearRegression()),
        y=np.column_stack([d.Y_REAL, 1e4 * d.Y_REAL + d.X[:, 1]]),
        native=("predict",),
        reason="magnify",
    ),
    Case(RegressorChain(DecisionTreeRegressor(random_state=0)), y=d.Y_OUTPUTS, exact=True),
    Case(RegressorChain(LogisticRegression()), y=d.Y_CLASSES),
    *(
        Case(
            ClassifierChain(LogisticRegression(), chain_method=method),
            y=BINARY,
            **NATIVE_LOGARITHMS,
        )
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function")
    ),
    Case(
        ClassifierChain(LogisticRegression(), order=[1, 2, 0], cv=3, chain_method="predict_proba"),
        y=BINARY + 3,
        probe=d.X * 1e6,
        **NATIVE_LOGARITHMS,
    ),
    Case(
        ClassifierChain(make_pipeline(StandardScaler(), LinearSVC())),
        y=BINARY,
        native=("predict_log_proba",),
        reason="close to 1",
    ),
    Case(ClassifierChain(BOOSTED), y=BINARY, **NATIVE_LOGARITHMS),
    Case(
        ClassifierChain(GaussianNB(), chain_method="predict_proba"), y=BINARY, **NATIVE_LOGARITHMS
    ),
    Case(
        ClassifierChain(TREE, chain_method=["decision_function", "predict_proba"]),
        y=BINARY,
        **NATIVE_LOGARITHMS,
    ),
    Case(
        ClassifierChain(LogisticRegression()),
        y=d.Y_CLASSES,
        native=("predict_proba", "predict_log_proba", "decision_function"),
    ),
    Case(
        ClassifierChain(KNeighborsClassifier(p=1)),
        y=BINARY,
        native=("predict", "predict_proba", "predict_log_proba"),
    ),
]

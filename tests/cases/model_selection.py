"""Rows for `sklearn.model_selection`: classifiers with a threshold of their own."""

from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from ..support import Case
from . import data as d

FOREST = RandomForestClassifier(4, random_state=0)
BOOSTED = GradientBoostingClassifier(n_estimators=3, random_state=0)
FEW = DecisionTreeClassifier(max_depth=2, random_state=0)
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression())
F1_OF_YES = make_scorer(f1_score, pos_label="yes")
F1_OF_NO = make_scorer(f1_score, pos_label="no")

CASES = [
    Case(FixedThresholdClassifier(FOREST, threshold=0.25), y=d.Y_BINARY),  # rows at 0.25
    Case(FixedThresholdClassifier(FOREST, threshold=0.75, pos_label="no"), y=d.Y_LABELS),
    Case(FixedThresholdClassifier(FEW), y=d.Y_LABELS),
    Case(FixedThresholdClassifier(LOGISTIC, threshold=0.3), y=d.Y_LABELS, dtypes=("float64",)),
    Case(
        FixedThresholdClassifier(
            LOGISTIC, threshold=-0.7, response_method="decision_function", pos_label="no"
        ),
        y=d.Y_LABELS,
        dtypes=("float64",),
    ),
    Case(FixedThresholdClassifier(RidgeClassifier()), y=d.Y_BINARY, dtypes=("float64",)),
    Case(FixedThresholdClassifier(BOOSTED, threshold=0.4), y=d.Y_BINARY),
    Case(TunedThresholdClassifierCV(BOOSTED, cv=3), y=d.Y_BINARY),
    Case(TunedThresholdClassifierCV(FOREST, scoring=F1_OF_YES, cv=3), y=d.Y_LABELS),
    Case(
        TunedThresholdClassifierCV(LOGISTIC, scoring=F1_OF_NO, cv=3),
        y=d.Y_LABELS,
        dtypes=("float64",),
    ),
    Case(FixedThresholdClassifier(FOREST, threshold=0.0), y=d.Y_BINARY),
]

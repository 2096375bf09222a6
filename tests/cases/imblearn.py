"""Rows for `imblearn`."""

from imblearn import FunctionSampler
from imblearn.ensemble import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
    RUSBoostClassifier,
)
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline, make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.decomposition import PCA
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from ..support import Case
from . import data as d

SMALL = {"n_estimators": 4, "random_state": 0}
BAGGED = {"native": ("predict_log_proba",), "reason": "a sum of probabilities"}
FOREST = {**SMALL, "sampling_strategy": "all", "replacement": True, "bootstrap": False}

CASES = [
    Case(make_pipeline(SMOTE(random_state=0), LogisticRegression()), y=d.Y_BINARY),
    Case(
        make_pipeline(StandardScaler(), RandomUnderSampler(random_state=0), PCA(2), GaussianNB()),
        y=d.Y_MULTI,
    ),
    Case(
        Pipeline(
            [("all", FunctionSampler()), ("none", "passthrough"), ("scale", StandardScaler())]
        ),
        y=d.Y_BINARY,
    ),
    Case(
        make_pipeline(RandomOverSampler(random_state=0), KNeighborsClassifier(p=1)),
        y=d.Y_TEXT,
        native=("predict", "predict_proba"),
        reason="distances of another kind",
    ),
    Case(BalancedRandomForestClassifier(**FOREST), y=d.Y_BINARY, exact=True),
    Case(BalancedRandomForestClassifier(**FOREST, class_weight="balanced"), y=d.Y_TEXT, exact=True),
    Case(BalancedBaggingClassifier(**SMALL), y=d.Y_TEXT, **BAGGED),
    Case(
        BalancedBaggingClassifier(max_features=0.5, bootstrap_features=True, **SMALL),
        y=d.Y_BINARY,
        **BAGGED,
    ),
    Case(
        BalancedBaggingClassifier(LogisticRegression(), sampler=SMOTE(), **SMALL),
        y=d.Y_BINARY,
        **BAGGED,
    ),
    Case(
        BalancedBaggingClassifier(RandomForestClassifier(3, random_state=0), **SMALL),
        y=d.Y_BINARY,
        **BAGGED,
    ),
    Case(EasyEnsembleClassifier(**SMALL), y=d.Y_BINARY, **BAGGED),
    Case(
        EasyEnsembleClassifier(estimator=AdaBoostClassifier(n_estimators=3), **SMALL),
        y=d.Y_MULTI,
        **BAGGED,
    ),
    Case(RUSBoostClassifier(**SMALL), y=d.Y_BINARY),
    Case(RUSBoostClassifier(**SMALL), y=d.Y_TEXT),
]

"""Rows for `sklearn.ensemble`."""

from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..forests import rows_at_thresholds
from ..support import Case
from . import data as d

FEW = {"n_estimators": 5, "random_state": 0}
SHORT = {"max_iter": 5, "min_samples_leaf": 5, "early_stopping": False}
SHALLOW = DecisionTreeClassifier(max_depth=3)
APPLY = {"native": ("apply",), "reason": "a leaf for every stage"}


def case(estimator, X=d.X, y=None, exact=True, **more):
    """A row with a probe of rows at the thresholds of a forest like this one."""
    return Case(estimator, X, y, probe=rows_at_thresholds(estimator, X, y), exact=exact, **more)


FORESTS = [
    case(RandomForestClassifier(**FEW), y=d.Y_MULTI),
    case(RandomForestClassifier(**FEW, max_depth=4), d.X_NAN, d.Y_LABELS),
    case(RandomForestClassifier(**FEW, max_depth=4), y=d.Y_CLASSES),
    case(RandomForestClassifier(**FEW, class_weight="balanced"), y=d.Y_TEXT),
    case(RandomForestRegressor(**FEW), y=d.Y_REAL),
    case(RandomForestRegressor(**FEW, max_depth=5), d.X_NAN, d.Y_OUTPUTS),
    case(RandomForestRegressor(**FEW, criterion="poisson", max_depth=5), y=d.Y_POSITIVE),
    case(ExtraTreesClassifier(**FEW), y=d.Y_BINARY),
    case(ExtraTreesRegressor(**FEW), y=d.Y_REAL),
    case(IsolationForest(**FEW)),
    case(IsolationForest(**FEW, contamination=0.1, max_features=0.5), d.X_NAN),
]
BOOSTED = [
    case(GradientBoostingRegressor(**FEW), y=d.Y_REAL, **APPLY),
    case(GradientBoostingRegressor(**FEW, loss="huber", init="zero"), y=d.Y_REAL, **APPLY),
    case(GradientBoostingRegressor(**FEW, loss="quantile", max_depth=8), y=d.Y_REAL, **APPLY),
    case(GradientBoostingRegressor(**FEW, loss="absolute_error"), y=d.Y_REAL, **APPLY),
    case(GradientBoostingClassifier(**FEW), y=d.Y_LABELS, exact=False, **APPLY),
    case(GradientBoostingClassifier(**FEW), y=d.Y_MULTI, exact=False, **APPLY),
    case(
        GradientBoostingClassifier(**FEW, loss="exponential"),
        y=d.Y_TEXT == "east",
        exact=False,
        **APPLY,
    ),
    case(GradientBoostingClassifier(**FEW, init="zero"), y=d.Y_MULTI, exact=False, **APPLY),
    case(
        GradientBoostingRegressor(**FEW, init=DecisionTreeRegressor(max_depth=2)),
        y=d.Y_REAL,
        exact=False,
        **APPLY,
    ),
    case(
        GradientBoostingClassifier(**FEW, init=SHALLOW),
        y=d.Y_LABELS,
        exact=False,
        **APPLY,
    ),
    case(HistGradientBoostingRegressor(**SHORT), y=d.Y_REAL),
    case(HistGradientBoostingRegressor(**SHORT, loss="absolute_error"), d.X_NAN, d.Y_REAL),
    case(HistGradientBoostingRegressor(**SHORT, loss="quantile", quantile=0.8), y=d.Y_REAL),
    case(HistGradientBoostingRegressor(**SHORT, loss="poisson"), y=d.Y_POSITIVE, exact=False),
    case(HistGradientBoostingRegressor(**SHORT, loss="gamma"), y=d.Y_POSITIVE, exact=False),
    case(HistGradientBoostingClassifier(**SHORT), d.X_NAN, d.Y_LABELS, exact=False),
    case(HistGradientBoostingClassifier(**SHORT), d.X_NAN, d.Y_TEXT, exact=False),
]
COMMITTEES = [
    Case(BaggingClassifier(**FEW), y=d.Y_LABELS, native=("predict_log_proba",)),
    Case(BaggingClassifier(LinearSVC(), **FEW, max_features=0.5), y=d.Y_MULTI),
    Case(
        BaggingClassifier(LogisticRegression(), **FEW, max_samples=8),
        y=d.Y_TEXT,
        native=("predict_log_proba",),
    ),
    Case(BaggingRegressor(LinearRegression(), **FEW, max_features=0.5), y=d.Y_REAL),
    Case(BaggingRegressor(**FEW), d.X_NAN, d.Y_REAL),
    Case(
        VotingClassifier(
            [("lr", LogisticRegression()), ("t", DecisionTreeClassifier(max_depth=3))]
        ),
        y=d.Y_TEXT,
    ),
    Case(
        VotingClassifier(
            [("lr", LogisticRegression()), ("nb", GaussianNB()), ("gone", "drop")],
            voting="soft",
            weights=[2, 1, 1],
        ),
        y=d.Y_LABELS,
    ),
    Case(
        VotingClassifier(
            [("lr", LogisticRegression()), ("nb", GaussianNB())],
            voting="soft",
            flatten_transform=False,
        ),
        y=d.Y_MULTI,
        native=("transform",),
        reason="three dimensions",
    ),
    Case(VotingRegressor([("a", LinearRegression()), ("b", Ridge())]), y=d.Y_REAL),
    Case(
        VotingRegressor(
            [("a", LinearRegression()), ("t", DecisionTreeRegressor())], weights=[1, 3]
        ),
        y=d.Y_REAL,
    ),
    Case(AdaBoostClassifier(**FEW), y=d.Y_LABELS),
    Case(AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), **FEW), y=d.Y_TEXT),
    Case(AdaBoostRegressor(**FEW), y=d.Y_REAL),
    Case(AdaBoostRegressor(LinearRegression(), **FEW, loss="square"), y=d.Y_REAL),
    Case(
        StackingClassifier(
            [("lr", LogisticRegression()), ("t", DecisionTreeClassifier(max_depth=3))], cv=2
        ),
        y=d.Y_LABELS,
    ),
    Case(
        StackingClassifier(
            [("svc", LinearSVC()), ("t", DecisionTreeClassifier(max_depth=3))],
            final_estimator=RandomForestClassifier(**FEW),
            passthrough=True,
            cv=2,
        ),
        y=d.Y_MULTI,
    ),
    Case(StackingRegressor([("a", LinearRegression()), ("b", Ridge())], cv=2), y=d.Y_REAL),
]
CASES = FORESTS + BOOSTED + COMMITTEES

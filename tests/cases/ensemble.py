"""Rows for `sklearn.ensemble`."""

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
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
    RandomTreesEmbedding,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from ..forests import rows_at_thresholds
from ..support import Case
from . import data as d

FEW = {"n_estimators": 5, "random_state": 0}
SHORT = {"max_iter": 5, "min_samples_leaf": 5, "early_stopping": False}
CODED = SHORT | {"categorical_features": [0, 2], "early_stopping": True, "random_state": 0}
ODD = np.tile([[-1.0, -0.0, 0.5, 3.0, 4.0, 300.0, np.nan]], (7, 1)).T
SHALLOW = DecisionTreeClassifier(max_depth=3)
APPLY = {"native": ("apply",), "reason": "three dimensions"}
NAMED_APPLY = APPLY | {"reason": "names that the trees do not know"}


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
    case(ExtraTreesRegressor(**FEW, max_depth=4), d.X_NAN, d.Y_REAL),
    case(RandomForestClassifier(**FEW), y=np.zeros(d.N, int)),
    case(RandomForestClassifier(**FEW), y=np.column_stack([d.Y_TEXT, d.Y_LABELS.astype(object)])),
    case(RandomForestClassifier(**FEW), y=d.Y_BINARY[:, None].astype(bool)),
    case(RandomForestRegressor(**FEW, criterion="absolute_error", max_depth=3), y=d.Y_REAL),
    case(RandomTreesEmbedding(**FEW, max_depth=3)),
    case(RandomTreesEmbedding(**FEW, max_depth=3, sparse_output=False)),
    case(IsolationForest(**FEW)),
    case(IsolationForest(**FEW, max_features=1, max_samples=2)),
    case(IsolationForest(**FEW, max_features=4, bootstrap=True), d.X_NAN),
    case(IsolationForest(**FEW, contamination=0.1, max_features=0.5), d.X_NAN),
]
BOOSTED = [
    case(GradientBoostingRegressor(**FEW), y=d.Y_REAL, **NAMED_APPLY),
    case(GradientBoostingRegressor(**FEW, loss="huber", init="zero"), y=d.Y_REAL, **NAMED_APPLY),
    case(GradientBoostingRegressor(**FEW, loss="quantile", max_depth=8), y=d.Y_REAL, **NAMED_APPLY),
    case(GradientBoostingRegressor(**FEW, loss="absolute_error"), y=d.Y_REAL, **NAMED_APPLY),
    case(
        GradientBoostingRegressor(**FEW, init=DummyRegressor(strategy="median")),
        y=d.Y_REAL,
        **NAMED_APPLY,
    ),
    case(
        GradientBoostingRegressor(**FEW, init=DecisionTreeRegressor(max_depth=2)),
        y=d.Y_REAL,
        exact=False,
        **NAMED_APPLY,
    ),
    case(
        GradientBoostingRegressor(**FEW, init=Ridge()),
        y=d.Y_REAL,
        exact=False,
        native=("predict", "apply"),
    ),
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
        GradientBoostingClassifier(**FEW, init=DummyClassifier(strategy="most_frequent")),
        y=d.Y_MULTI,
        exact=False,
        **APPLY,
    ),
    case(GradientBoostingClassifier(**FEW, init=SHALLOW), y=d.Y_LABELS, exact=False, **APPLY),
    case(
        GradientBoostingClassifier(**FEW, init=SHALLOW, loss="exponential"),
        y=d.Y_LABELS,
        exact=False,
        **APPLY,
    ),
    case(GradientBoostingClassifier(**FEW, init=SHALLOW), y=d.Y_TEXT, exact=False, **APPLY),
    case(HistGradientBoostingRegressor(**SHORT), y=d.Y_REAL),
    case(HistGradientBoostingRegressor(**SHORT, loss="absolute_error"), d.X_NAN, d.Y_REAL),
    case(HistGradientBoostingRegressor(**SHORT, loss="quantile", quantile=0.8), y=d.Y_REAL),
    case(HistGradientBoostingRegressor(**SHORT, loss="poisson"), y=d.Y_POSITIVE, exact=False),
    case(HistGradientBoostingRegressor(**SHORT, loss="gamma"), y=d.Y_POSITIVE, exact=False),
    Case(HistGradientBoostingRegressor(**CODED), d.X_CODED, d.Y_CODED, probe=ODD, exact=True),
    Case(HistGradientBoostingClassifier(**CODED), d.X_CODED, d.Y_MULTI_CODED, probe=ODD),
    Case(
        HistGradientBoostingRegressor(**SHORT, categorical_features="from_dtype"),
        d.FRAME[["a", "b", "size"]],
        d.Y_REAL + 3 * (d.FRAME["size"].to_numpy() == "M"),
        probe=d.FRAME[["size", "n", "b", "a"]],
        exact=True,
    ),
    Case(
        HistGradientBoostingClassifier(**SHORT, categorical_features=["colour", "flag"]),
        d.FRAME[["colour", "a", "flag"]],
        d.Y_BINARY,
        probe=d.FRAME[["flag", "colour", "a"]].replace({"colour": {"red": "unseen"}}),
    ),
    case(HistGradientBoostingClassifier(**SHORT), d.X_NAN, d.Y_LABELS, exact=False),
    case(HistGradientBoostingClassifier(**SHORT), d.X_NAN, d.Y_TEXT, exact=False),
    case(
        HistGradientBoostingClassifier(
            **SHORT, monotonic_cst=[1, 0, 0, -1, 0, 0], interaction_cst="pairwise"
        ),
        y=d.Y_BINARY,
        exact=False,
    ),
]
BAGGED = {"native": ("predict_log_proba",), "reason": "a sum of probabilities"}
MEMBERS = [
    ("lr", LogisticRegression()),
    ("weak", LogisticRegression(C=0.1)),
    ("tree", DecisionTreeClassifier(max_depth=3)),
]
TREES = [("a", DecisionTreeClassifier(max_depth=2)), ("b", DecisionTreeClassifier(max_depth=4))]
REGRESSORS = [("a", LinearRegression()), ("b", Ridge()), ("t", DecisionTreeRegressor(max_depth=4))]
COMMITTEES = [
    case(BaggingClassifier(**FEW), y=d.Y_LABELS, **BAGGED),
    case(BaggingClassifier(SHALLOW, **FEW), d.X_NAN, d.Y_TEXT, **BAGGED),
    Case(
        BaggingClassifier(ExtraTreeClassifier(), **FEW, max_samples=4, max_features=3),
        d.X_NAN,
        d.Y_TEXT,
        exact=True,
        **BAGGED,
    ),
    Case(BaggingClassifier(**FEW, max_features=1), y=d.Y_MULTI, exact=True, **BAGGED),
    Case(BaggingClassifier(LinearSVC(), **FEW, max_features=0.5), y=d.Y_MULTI),
    Case(BaggingClassifier(RidgeClassifier(), **FEW, bootstrap_features=True), y=d.Y_MULTI),
    Case(BaggingClassifier(LogisticRegression(), **FEW), y=d.Y_TEXT, **BAGGED),
    Case(
        BaggingClassifier(GradientBoostingClassifier(n_estimators=2), **FEW), y=d.Y_MULTI, **BAGGED
    ),
    Case(
        BaggingClassifier(make_pipeline(StandardScaler(), LogisticRegression()), **FEW),
        y=d.Y_LABELS,
        **BAGGED,
    ),
    Case(
        BaggingClassifier(LogisticRegression(), **FEW, max_samples=8),
        y=d.Y_TEXT,
        native=("predict_log_proba",),
    ),
    Case(BaggingRegressor(LinearRegression(), **FEW, max_features=0.5), y=d.Y_REAL),
    case(BaggingRegressor(**FEW), d.X_NAN, d.Y_REAL),
    Case(BaggingRegressor(**FEW, max_features=2, bootstrap=False), y=d.Y_OUTPUTS, exact=True),
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
    Case(VotingClassifier(MEMBERS, voting="soft"), y=d.Y_TEXT),
    Case(VotingClassifier(MEMBERS, voting="soft", weights=[1, 0, 2]), y=d.Y_TEXT),
    Case(VotingClassifier(TREES, voting="soft"), y=d.Y_MULTI, exact=True),
    Case(VotingClassifier(TREES + MEMBERS, weights=[1, 2, 0.5, 0.5, 1]), y=d.Y_LABELS),
    Case(
        VotingClassifier(MEMBERS, weights=[-1, 2, 1]),
        y=d.Y_TEXT,
        native=("predict", "transform"),
        reason="votes against",
    ),
    Case(
        VotingClassifier([*TREES, ("knn", KNeighborsClassifier(p=1))]),
        y=d.Y_TEXT,
        native=("predict", "transform"),
        frame=False,
    ),
    Case(VotingRegressor(REGRESSORS), y=d.Y_REAL),
    Case(VotingRegressor([("gone", "drop"), *REGRESSORS], weights=[5, 1, 2, 3]), y=d.Y_REAL),
    Case(VotingRegressor([("a", LinearRegression()), ("b", Ridge())]), y=d.Y_REAL),
    Case(
        VotingRegressor(
            [("a", LinearRegression()), ("t", DecisionTreeRegressor())], weights=[1, 3]
        ),
        y=d.Y_REAL,
    ),
    case(AdaBoostClassifier(**FEW), y=d.Y_LABELS, exact=False),
    case(AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), **FEW), y=d.Y_TEXT, exact=False),
    case(AdaBoostClassifier(DecisionTreeClassifier(), **FEW), y=d.Y_MULTI, exact=False),
    Case(AdaBoostClassifier(LogisticRegression(), **FEW), y=d.Y_TEXT),
    case(AdaBoostRegressor(**FEW), y=d.Y_REAL),
    case(AdaBoostRegressor(ExtraTreeRegressor(max_depth=5), **FEW), y=d.Y_REAL),
    case(AdaBoostRegressor(**FEW), y=np.ones(d.N)),
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
    Case(StackingClassifier([("gone", "drop"), *TREES], cv=2, passthrough=True), y=d.Y_LABELS),
    Case(
        StackingClassifier(TREES, cv=2, stack_method="predict", final_estimator=SHALLOW),
        y=d.Y_TEXT,
        exact=True,
    ),
    Case(StackingRegressor([("a", LinearRegression()), ("b", Ridge())], cv=2), y=d.Y_REAL),
    Case(
        StackingRegressor(REGRESSORS, cv=2, passthrough=True, final_estimator=Ridge()),
        y=d.Y_REAL,
    ),
]
CASES = FORESTS + BOOSTED + COMMITTEES

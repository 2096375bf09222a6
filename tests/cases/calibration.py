"""Rows for `sklearn.calibration`."""

import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.fixes import parse_version

from ..support import Case
from . import data as d

FOREST = RandomForestClassifier(5, max_depth=4, random_state=0)
BOOSTED = GradientBoostingClassifier(n_estimators=3, random_state=0)
FEW = DecisionTreeClassifier(max_depth=2, random_state=0)
CASES = [
    Case(CalibratedClassifierCV(LinearSVC(), cv=3), y=d.Y_LABELS, dtypes=("float64",)),
    Case(CalibratedClassifierCV(LinearSVC(), cv=3), y=d.Y_TEXT, dtypes=("float64",)),
    Case(CalibratedClassifierCV(FOREST, cv=3), y=d.Y_BINARY),
    Case(CalibratedClassifierCV(FOREST, cv=3, ensemble=False), y=d.Y_TEXT),
    Case(CalibratedClassifierCV(FOREST, method="isotonic", cv=3), y=d.Y_LABELS, exact=True),
    Case(CalibratedClassifierCV(FOREST, method="isotonic", cv=3), y=d.Y_MULTI),
    Case(CalibratedClassifierCV(FEW, method="isotonic", cv=3), y=d.Y_LABELS, exact=True),
    Case(CalibratedClassifierCV(FEW, method="isotonic", cv=3), X=d.X_NAN, y=d.Y_BINARY),
    Case(CalibratedClassifierCV(BOOSTED, cv=3), y=d.Y_MULTI),
    Case(CalibratedClassifierCV(GaussianNB(), cv=3), y=d.Y_LABELS, dtypes=("float64",)),
    Case(
        CalibratedClassifierCV(FrozenEstimator(FOREST.__class__(4).fit(d.X, d.Y_TEXT))),
        y=d.Y_TEXT,
    ),
    Case(
        CalibratedClassifierCV(make_pipeline(StandardScaler(), LinearSVC()), cv=3),
        y=d.Y_BINARY,
        dtypes=("float64",),
    ),
    Case(
        CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=3),
        y=d.Y_BINARY,
        native=("predict", "predict_proba"),
        reason="last bits",
    ),
    Case(CalibratedClassifierCV(SVC(), cv=3), y=d.Y_MULTI),
    Case(
        CalibratedClassifierCV(RadiusNeighborsClassifier(9.0), cv=3),
        y=d.Y_MULTI,
        native=("predict", "predict_proba"),
        reason="no converter",
    ),
]
if parse_version(sklearn.__version__) >= parse_version("1.8"):
    by_temperature = {"method": "temperature", "cv": 3}
    CASES += [
        Case(
            CalibratedClassifierCV(LinearSVC(), **by_temperature), y=d.Y_LABELS, dtypes=("float64",)
        ),
        Case(CalibratedClassifierCV(BOOSTED, **by_temperature), y=d.Y_MULTI),
        Case(CalibratedClassifierCV(FOREST, **by_temperature), y=d.Y_LABELS),
        Case(CalibratedClassifierCV(FOREST, **by_temperature), y=d.Y_TEXT),
        Case(
            CalibratedClassifierCV(GaussianNB(), **by_temperature),
            y=d.Y_MULTI,
            native=("predict", "predict_proba"),
            reason="rounding may put above 1",
        ),
    ]

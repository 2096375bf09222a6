"""Rows for `sklearn.feature_selection`."""

from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ..support import Case
from . import data as d

FOREST = RandomForestClassifier(n_estimators=5, max_depth=3, random_state=0)


def case(estimator, X=None, y=d.Y_BINARY, **more):
    return Case(estimator, X, y, exact=True, **more)


CASES = [
    case(VarianceThreshold(2.0)),
    case(VarianceThreshold(), d.X_NAN),
    case(SelectKBest(k=2)),
    case(SelectPercentile(percentile=50)),
    case(SelectFpr(alpha=0.2)),
    case(SelectFdr(alpha=0.2)),
    case(SelectFwe(alpha=0.2)),
    case(GenericUnivariateSelect(mode="k_best", param=3)),
    case(SelectFromModel(FOREST)),
    case(SelectFromModel(FOREST), d.X_NAN),
    case(SequentialFeatureSelector(LinearRegression(), n_features_to_select=2, cv=2), y=d.Y_REAL),
    case(RFE(FOREST, n_features_to_select=3), y=d.Y_LABELS),
    Case(RFE(LogisticRegression(), n_features_to_select=3), y=d.Y_TEXT),
    Case(RFECV(LinearRegression(), cv=2), y=d.Y_REAL),
    case(SelectKBest(k=2).set_output(transform="pandas")),
    Case(make_pipeline(OneHotEncoder(), SelectKBest(k=3)), d.STRINGS, d.Y_BINARY),
]

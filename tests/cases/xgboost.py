"""Rows for XGBoost: boosters, objectives, kinds of output, missing values."""

import numpy as np
from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from sktensor.converters.xgboost.table import DMATRIX_OF_CATEGORIES

from ..support import Case
from . import data as d

SMALL = {"n_estimators": 5, "max_depth": 3, "n_jobs": 1, "random_state": 0}
Y_COUNTS = np.round(d.Y_POSITIVE)
Y_LABELS_AT_ONCE = np.column_stack([d.Y_BINARY, 1 - d.Y_BINARY, d.Y_MULTI > 1]).astype(int)
# Beyond float32, infinite, and zeros of both signs: predict takes them, a DMatrix does not.
EXTREME = np.array([[np.inf, -np.inf, 1e300, -0.0, 0.0, np.nan], [-1e300, 1e-46, *[np.nan] * 4]])
# What is no code, or a large one, in any column of codes.
CODED_EDGES = np.tile(
    [[-0.5, -1.0, -0.0, 0.5, 1.999, 3.0, 31.0, 40.0, 2.0**24, np.inf, -np.inf, np.nan]], (7, 1)
).T
CODES = {"enable_categorical": True, "feature_types": ["c"] + ["q"] * 6}
NO_APPLY = () if DMATRIX_OF_CATEGORIES else ("apply",)  # an error
DART = {"booster": "dart", "rate_drop": 0.5}


def case(*args, **kwargs):
    # Frames are tests/test_boosting.py's: `apply` refuses an array where a frame was fitted.
    return Case(*args, frame=False, **kwargs)


def classifier(**params):
    return XGBClassifier(**SMALL | params)


def regressor(**params):
    return XGBRegressor(**SMALL | params)


CASES = [
    case(classifier(), y=d.Y_BINARY, probe=EXTREME),
    case(classifier(), d.X_NAN, d.Y_BINARY, probe=EXTREME),
    case(classifier(), d.X_NAN, d.Y_MULTI, probe=EXTREME),
    case(classifier(base_score=0.3), y=d.Y_BINARY),
    case(classifier(tree_method="exact"), d.X_NAN, d.Y_BINARY),
    case(classifier(tree_method="approx", grow_policy="lossguide", max_leaves=6), y=d.Y_MULTI),
    case(classifier(num_parallel_tree=3, subsample=0.5), y=d.Y_MULTI),
    case(classifier(objective="multi:softmax"), d.X_NAN, d.Y_MULTI),
    case(classifier(objective="binary:logitraw"), y=d.Y_BINARY),
    case(classifier(objective="binary:hinge"), y=d.Y_BINARY),
    case(classifier(objective="reg:squarederror"), y=d.Y_BINARY),
    case(classifier(), d.X_NAN, Y_LABELS_AT_ONCE),
    case(classifier(objective="multi:softprob", num_class=2), y=d.Y_BINARY),
    case(classifier(**DART), d.X_NAN, d.Y_BINARY),
    case(classifier(**DART), d.X_NAN, d.Y_MULTI),
    case(regressor(**DART), d.X_NAN, d.Y_REAL),
    case(
        XGBClassifier(booster="gblinear", n_estimators=5, n_jobs=1, updater="coord_descent"),
        d.X_NAN,
        d.Y_BINARY,
        probe=EXTREME,
        native=("apply",),
        reason="gblinear has no trees",
    ),
    case(
        XGBClassifier(booster="gblinear", n_estimators=5, n_jobs=1, updater="coord_descent"),
        y=d.Y_MULTI,
        native=("apply",),
    ),
    case(
        XGBRegressor(booster="gblinear", n_estimators=5, n_jobs=1, updater="coord_descent"),
        y=d.Y_OUTPUTS,
        native=("apply",),
    ),
    case(XGBRFClassifier(**SMALL), d.X_NAN, d.Y_BINARY),
    case(XGBRFClassifier(**SMALL), y=d.Y_MULTI),
    case(XGBRFRegressor(**SMALL), d.X_NAN, d.Y_REAL),
    case(
        XGBRanker(**SMALL),
        d.X_NAN,
        d.Y_MULTI,
        fit_params={"qid": np.repeat(np.arange(15), 10)},
    ),
    case(regressor(), d.X_NAN, d.Y_REAL, probe=EXTREME, exact=True),
    case(regressor(base_score=0.7), y=d.Y_REAL, exact=True),
    case(regressor(n_estimators=1), y=d.Y_REAL, exact=True),
    case(regressor(max_depth=0, max_leaves=4, grow_policy="lossguide"), y=d.Y_REAL, exact=True),
    case(regressor(gamma=1e6), y=d.Y_REAL, exact=True),  # trees of a single leaf
    case(regressor(missing=0.25), np.round(d.X * 4) / 4, d.Y_REAL, probe=EXTREME, exact=True),
    case(regressor(missing=0), np.round(d.X), d.Y_REAL, probe=EXTREME, exact=True),
    case(regressor(missing=0.1), d.X_NAN, d.Y_REAL, exact=True),
    case(
        regressor(missing=np.inf),
        d.X_NAN,
        d.Y_REAL,
        probe=EXTREME,
        native=("apply",),
        reason="infinity as the missing value",
    ),
    case(regressor(), d.X_NAN, d.Y_OUTPUTS, exact=True),
    case(regressor(multi_strategy="multi_output_tree"), d.X_NAN, d.Y_OUTPUTS, exact=True),
    case(regressor(objective="reg:logistic"), y=d.Y_BINARY / 2),
    case(regressor(objective="binary:logistic"), y=d.Y_BINARY),
    case(regressor(objective="reg:squaredlogerror"), y=d.Y_POSITIVE),
    case(regressor(objective="reg:pseudohubererror"), y=d.Y_REAL),
    case(regressor(objective="reg:absoluteerror"), y=d.Y_REAL),
    case(regressor(objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]), y=d.Y_REAL),
    case(regressor(objective="count:poisson"), y=Y_COUNTS),
    case(regressor(objective="reg:gamma"), y=d.Y_POSITIVE),
    case(regressor(objective="reg:tweedie", tweedie_variance_power=1.3), y=Y_COUNTS),
    case(regressor(objective="survival:cox"), y=d.Y_POSITIVE),
    case(regressor(**CODES), d.X_CODED, d.Y_CODED, probe=CODED_EDGES, exact=True),
    case(
        regressor(**CODES, max_cat_to_onehot=1),
        d.X_CODED,
        d.Y_CODED,
        probe=CODED_EDGES,
        exact=True,
    ),
    case(classifier(**CODES), d.X_CODED, d.Y_MULTI_CODED, probe=CODED_EDGES),
    case(classifier(**CODES, **DART), d.X_CODED, d.Y_BINARY, probe=CODED_EDGES),
    case(
        classifier(enable_categorical=True),
        d.FRAME[["a", "b", "size"]],
        d.Y_BY_SIZE == "middle",
        native=NO_APPLY,
        reason="categories that apply does not take",
    ),
    case(
        regressor(early_stopping_rounds=1, n_estimators=20, learning_rate=1.0),
        d.X_NAN,
        d.Y_REAL,
        fit_params={"eval_set": [(d.X_NAN[:20], -d.Y_REAL[:20])], "verbose": False},
        exact=True,
    ),
]

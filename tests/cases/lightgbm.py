"""Rows for LightGBM: boosting types, objectives, what is missing and what is zero."""

import numpy as np
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor, early_stopping

from ..support import Case
from . import data as d

SMALL = {"n_estimators": 5, "num_leaves": 6, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}
RF = {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}
DART = {"boosting_type": "dart", "drop_rate": 0.5}
GOSS = {"data_sample_strategy": "goss", "learning_rate": 0.5}
WHOLE = np.round(d.X_NAN)  # splits beside zero
# What LightGBM takes for zero, its neighbours, and what is far away.
ZERO = float(np.float32(1e-35))
EDGES = [0.0, -0.0, 1e-36, ZERO, np.nextafter(ZERO, 1), np.inf, 1e300, np.nan]
EDGES = np.array([[sign * value] * 6 for value in EDGES for sign in (1, -1)])
# What is no code, or a large one, in any column of codes.
CODED_EDGES = np.hstack([EDGES[:, :1], EDGES])
CODED_EDGES[:9, 0] = [-0.5, -1.0, 0.5, 1.999, 3.0, 31.0, 40.0, 2.0**31, 2.0**33]
BY_CODE = {"fit_params": {"categorical_feature": [0]}, "probe": CODED_EDGES}
FINE = {"max_cat_to_onehot": 1, "min_data_per_group": 2, "cat_smooth": 1.0}
Y_SHARE = 1 / (1 + np.exp(-d.Y_REAL))


def classifier(**params):
    return LGBMClassifier(**SMALL | params)


def regressor(**params):
    return LGBMRegressor(**SMALL | params)


CASES = [
    Case(classifier(), y=d.Y_BINARY, probe=EDGES),
    Case(classifier(), d.X_NAN, d.Y_LABELS, probe=EDGES),
    Case(classifier(), WHOLE, d.Y_MULTI, probe=EDGES),
    Case(classifier(), d.X_NAN, d.Y_TEXT),
    Case(classifier(sigmoid=2.5, is_unbalance=True), d.X_NAN, d.Y_BINARY),
    Case(classifier(objective="multiclassova", sigmoid=0.7), d.X_NAN, d.Y_MULTI),
    Case(classifier(objective="multiclass", num_class=2), y=d.Y_BINARY),
    Case(classifier(objective="cross_entropy"), y=d.Y_BINARY),
    Case(classifier(objective="regression"), y=d.Y_BINARY),
    Case(classifier(**RF), d.X_NAN, d.Y_BINARY),
    Case(classifier(**RF), d.X_NAN, d.Y_MULTI),
    Case(classifier(**DART), d.X_NAN, d.Y_BINARY),
    Case(classifier(**GOSS), d.X_NAN, d.Y_MULTI),
    Case(classifier(linear_tree=True), d.X_NAN, d.Y_MULTI, probe=EDGES),
    Case(classifier(zero_as_missing=True), WHOLE, d.Y_BINARY, probe=EDGES),
    Case(regressor(), d.X_NAN, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(), WHOLE, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(), np.round(d.X), d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(use_missing=False), WHOLE, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(zero_as_missing=True), WHOLE, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(n_estimators=1), y=d.Y_REAL, exact=True),
    Case(regressor(min_child_samples=500), y=d.Y_REAL, exact=True),  # trees of a single leaf
    Case(regressor(extra_trees=True, path_smooth=1.0), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(**RF), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(**DART), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(**GOSS), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(linear_tree=True), d.X_NAN, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(linear_tree=True, linear_lambda=1.0), y=d.Y_REAL, exact=True),
    Case(regressor(objective="regression_l1"), y=d.Y_REAL, exact=True),
    Case(regressor(objective="huber"), y=d.Y_REAL, exact=True),
    Case(regressor(objective="fair"), y=d.Y_REAL, exact=True),
    Case(regressor(objective="quantile", alpha=0.3), y=d.Y_REAL, exact=True),
    Case(regressor(objective="mape"), y=d.Y_POSITIVE, exact=True),
    Case(regressor(reg_sqrt=True), y=d.Y_REAL),
    Case(regressor(objective="poisson"), y=d.Y_POSITIVE),
    Case(regressor(objective="gamma"), y=d.Y_POSITIVE),
    Case(regressor(objective="tweedie", tweedie_variance_power=1.2), y=d.Y_POSITIVE),
    Case(regressor(objective="cross_entropy"), y=Y_SHARE),
    Case(regressor(objective="cross_entropy_lambda"), y=Y_SHARE),
    Case(LGBMRanker(**SMALL), d.X_NAN, d.Y_MULTI, fit_params={"group": [10] * 15}, exact=True),
    Case(regressor(), d.X_CODED, d.Y_CODED, exact=True, **BY_CODE),
    Case(regressor(**FINE), d.X_CODED, d.Y_CODED, exact=True, **BY_CODE),
    Case(regressor(**FINE, zero_as_missing=True), d.X_CODED, d.Y_CODED, exact=True, **BY_CODE),
    Case(regressor(**FINE, linear_tree=True), d.X_CODED, d.Y_CODED, exact=True, **BY_CODE),
    Case(
        classifier(**FINE, num_leaves=70, min_child_samples=1),
        d.X_CODED,
        d.Y_MULTI_CODED,
        **BY_CODE,
    ),
    Case(
        classifier(**FINE),
        d.FRAME[["a", "b", "size"]],
        d.Y_BY_SIZE,
        probe=d.FRAME[["b", "n", "size"]],
    ),
    Case(
        regressor(n_estimators=20, learning_rate=1.0),
        d.X_NAN,
        d.Y_REAL,
        fit_params={
            "eval_set": [(d.X_NAN[:20], -d.Y_REAL[:20])],
            "callbacks": [early_stopping(1, verbose=False)],
        },
        exact=True,
    ),
    Case(
        regressor(pred_early_stop=True),
        y=d.Y_REAL,
        native=("predict",),
        reason="pred_early_stop",
    ),
]

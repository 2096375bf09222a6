"""Rows for CatBoost: losses, labels, how trees grow, what is missing."""

import numpy as np
from catboost import CatBoostClassifier, CatBoostRanker, CatBoostRegressor

from ..support import Case
from . import data as d

SMALL = {"iterations": 6, "depth": 3, "thread_count": 1, "verbose": 0, "allow_writing_files": False}
# What is at the ends of float32, of either sign and in any column.
EDGES = [0.0, -0.0, 1e-46, 3.4028234663852886e38, 3.4028235677973366e38, np.inf, 1e300, np.nan]
EDGES = np.array([[sign * value] * 6 for value in EDGES for sign in (1, -1)])
Y_SHARE = 1 / (1 + np.exp(-d.Y_REAL))
Y_SEVERAL = np.column_stack([d.Y_BINARY, d.Y_MULTI > 1, d.X[:, 1] > 0]).astype(int)
Y_MISSING = np.isnan(d.X_NAN) @ np.arange(6.0)


def classifier(**params):
    return CatBoostClassifier(**SMALL | params)


def regressor(**params):
    return CatBoostRegressor(**SMALL | params)


CASES = [
    Case(classifier(), y=d.Y_BINARY, probe=EDGES),
    Case(classifier(), d.X_NAN, d.Y_LABELS, probe=EDGES),
    Case(classifier(), d.X_NAN, d.Y_BINARY == 1),
    Case(classifier(), d.X_NAN, d.Y_BINARY / 2),
    Case(classifier(), d.X_NAN, d.Y_MULTI, probe=EDGES),
    Case(classifier(), d.X_NAN, d.Y_TEXT),
    Case(classifier(), d.X_NAN, d.Y_MULTI / 3),
    Case(classifier(loss_function="MultiClass"), d.X_NAN, d.Y_BINARY),
    Case(classifier(loss_function="MultiClassOneVsAll"), d.X_NAN, d.Y_TEXT),
    Case(classifier(loss_function="MultiLogloss"), d.X_NAN, Y_SEVERAL),
    Case(classifier(loss_function="MultiCrossEntropy"), d.X_NAN, Y_SEVERAL / 2),
    Case(classifier(loss_function="CrossEntropy"), d.X_NAN, Y_SHARE),
    Case(classifier(loss_function="Focal:focal_alpha=0.5;focal_gamma=1.0"), y=d.Y_BINARY),
    Case(classifier(scale_pos_weight=5.0), d.X_NAN, d.Y_BINARY),
    Case(classifier(auto_class_weights="Balanced"), d.X_NAN, d.Y_MULTI),
    Case(classifier(grow_policy="Depthwise"), d.X_NAN, d.Y_MULTI, probe=EDGES),
    Case(classifier(grow_policy="Lossguide"), d.X_NAN, d.Y_LABELS, probe=EDGES),
    Case(classifier(learning_rate=1.0, l2_leaf_reg=0.0), d.X_NAN, d.Y_BINARY),
    Case(regressor(), y=d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(), d.X_NAN, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(nan_mode="Max"), d.X_NAN, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(nan_mode="Max"), d.X_NAN, Y_MISSING, probe=EDGES, exact=True),
    Case(regressor(nan_mode="Min"), d.X_NAN, Y_MISSING, probe=EDGES, exact=True),
    Case(regressor(nan_mode="Forbidden"), y=d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(), np.round(d.X), d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(depth=1), d.X_NAN, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(depth=7), d.X_NAN, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(depth=9, iterations=10), d.X_NAN, d.Y_REAL, probe=EDGES, exact=True),
    Case(regressor(iterations=1, learning_rate=1.0), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(border_count=3), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(boost_from_average=False), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(boosting_type="Ordered"), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(model_shrink_rate=0.5, learning_rate=0.5), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(grow_policy="Depthwise"), d.X_NAN, d.Y_REAL, probe=EDGES, exact=True),
    Case(
        regressor(grow_policy="Lossguide", nan_mode="Max"),
        d.X_NAN,
        d.Y_REAL,
        probe=EDGES,
        exact=True,
    ),
    Case(regressor(loss_function="MAE"), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(loss_function="Quantile:alpha=0.3"), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(loss_function="Huber:delta=1"), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(loss_function="MAPE"), d.X_NAN, d.Y_POSITIVE, exact=True),
    Case(regressor(loss_function="LogLinQuantile"), d.X_NAN, d.Y_REAL, exact=True),
    Case(regressor(loss_function="Poisson"), d.X_NAN, d.Y_POSITIVE, probe=EDGES),
    Case(regressor(loss_function="Tweedie:variance_power=1.5"), d.X_NAN, d.Y_POSITIVE),
    Case(regressor(loss_function="MultiRMSE"), d.X_NAN, d.Y_OUTPUTS, probe=EDGES, exact=True),
    Case(regressor(loss_function="MultiQuantile:alpha=0.3,0.6"), d.X_NAN, d.Y_REAL, exact=True),
    Case(
        regressor(loss_function="RMSEWithUncertainty"),
        d.X_NAN,
        d.Y_REAL,
        native=("predict",),
        reason="no margin, nor its exponential",
    ),
    Case(
        regressor(iterations=20, learning_rate=1.0),
        d.X_NAN,
        d.Y_REAL,
        fit_params={"eval_set": (d.X_NAN[:20], -d.Y_REAL[:20]), "use_best_model": True},
        exact=True,
    ),
    Case(
        CatBoostRanker(**SMALL),
        d.X_NAN,
        d.Y_MULTI,
        fit_params={"group_id": np.repeat(np.arange(15), 10)},
        exact=True,
    ),
    Case(
        classifier(),
        d.CODES,
        d.Y_BINARY,
        fit_params={"cat_features": [0]},
        native=("predict", "predict_proba", "predict_log_proba"),
        reason="categorical features",
        frame=False,
    ),
]

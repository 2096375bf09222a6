"""Rows for `sklearn.pipeline`, `sklearn.compose`, and estimators that pass on to another."""

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.model_selection._search_successive_halving import (
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from ..support import Case, fitted_quietly
from . import data as d

SCALED = make_pipeline(StandardScaler(), LogisticRegression())
MIXED = ColumnTransformer(
    [
        ("num", make_pipeline(StandardScaler(), MinMaxScaler()), ["a", "n"]),
        ("cat", OneHotEncoder(handle_unknown="ignore"), ["colour", "size"]),
    ]
)
REORDERED = d.FRAME[list(d.FRAME.columns[::-1])].assign(extra=1.0)


def by_position(*transformers, **params):
    return ColumnTransformer(list(transformers), **params)


CASES = [
    Case(SCALED, y=d.Y_MULTI),
    Case(Pipeline([("skip", "passthrough"), ("lr", LogisticRegression())]), y=d.Y_TEXT),
    Case(Pipeline([("scale", StandardScaler()), ("end", "passthrough")])),
    Case(FrozenEstimator(fitted_quietly(SCALED, d.X, d.Y_LABELS)), y=d.Y_LABELS),
    Case(GridSearchCV(SCALED, {"logisticregression__C": [0.1, 1.0]}, cv=2), y=d.Y_LABELS),
    Case(
        RandomizedSearchCV(LinearRegression(), {"fit_intercept": [True, False]}, n_iter=2, cv=2),
        y=d.Y_REAL,
    ),
    Case(
        HalvingGridSearchCV(
            SCALED, {"logisticregression__C": [0.1, 1.0]}, cv=2, min_resources=100, random_state=0
        ),
        y=d.Y_LABELS,
    ),
    Case(
        HalvingRandomSearchCV(
            LinearRegression(),
            {"fit_intercept": [True, False]},
            n_candidates=2,
            cv=2,
            min_resources=100,
            random_state=0,
        ),
        y=d.Y_REAL,
    ),
    Case(FeatureUnion([("s", StandardScaler()), ("m", MinMaxScaler())])),
    Case(
        FeatureUnion(
            [("s", StandardScaler()), ("p", "passthrough"), ("d", "drop")],
            transformer_weights={"s": 2.5, "p": 3},
        )
    ),
    Case(by_position(("s", StandardScaler(), [0, 3]), ("m", MinMaxScaler(), slice(1, 3)))),
    Case(
        by_position(
            ("s", StandardScaler(), [True, False, True, False, False, False]),
            ("d", "drop", [5]),
            remainder="passthrough",
            verbose_feature_names_out=False,
        )
    ),
    Case(by_position(("s", StandardScaler(), [-1]), remainder=MinMaxScaler()), frame=False),
    Case(by_position(("s", StandardScaler(), lambda X: [0, 1]), ("none", MinMaxScaler(), []))),
    Case(MIXED, d.FRAME, probe=REORDERED),
    Case(
        ColumnTransformer([("num", StandardScaler(), make_column_selector(dtype_include=float))]),
        d.FRAME,
    ),
    Case(
        ColumnTransformer(
            [("num", StandardScaler(), slice("a", "n")), ("one", "passthrough", ["n"])]
        ),
        d.FRAME,
    ),
    Case(
        ColumnTransformer(
            [
                ("s", StandardScaler(), ["a"]),
                ("cat", OneHotEncoder(sparse_output=False), ["colour"]),
            ]
        ).set_output(transform="pandas"),
        d.FRAME,
    ),
    Case(
        make_pipeline(
            StandardScaler(), ColumnTransformer([("m", MinMaxScaler(), ["c1", "c0"])])
        ).set_output(transform="pandas"),
        d.FRAME[["a", "n"]].set_axis(["c0", "c1"], axis=1),
    ),
    Case(make_pipeline(MIXED, LogisticRegression()), d.FRAME, d.Y_MULTI, probe=REORDERED),
    Case(
        make_pipeline(
            ColumnTransformer(MIXED.transformers, sparse_threshold=0.0), LogisticRegression()
        ),
        d.FRAME,
        d.Y_LABELS,
    ),
    Case(TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()), y=d.Y_REAL),
    Case(TransformedTargetRegressor(LinearRegression()), y=d.Y_OUTPUTS),
    Case(
        TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1),
        y=d.Y_POSITIVE,
    ),
]

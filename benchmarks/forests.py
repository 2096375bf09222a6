"""Tree ensembles: the workloads, fitted once and kept in the cache folder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import make_classification, make_regression

from .grid import Workload

ROWS = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)


def _binary(dtype: Any = np.float32) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(100_000, 28, n_informative=12, random_state=0)
    return X.astype(dtype), y


def _with_nan() -> tuple[np.ndarray, np.ndarray]:
    X, y = _binary()
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    return X, y


def _classes(n: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(
        100_000, 28, n_informative=16, n_classes=n, n_clusters_per_class=1, random_state=0
    )
    return X.astype(np.float32), y


def _values(n_targets: int = 1) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_regression(
        100_000, 28, n_informative=16, n_targets=n_targets, noise=20.0, random_state=0
    )
    return X.astype(np.float32), y


def _categories() -> tuple[pd.DataFrame, np.ndarray]:
    """Ten columns of twenty categories each, and eighteen of numbers."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 28)).astype(np.float32)
    codes = rng.integers(0, 20, (len(X), 10))
    effects = rng.normal(size=(10, 20))
    y = effects[np.arange(10), codes].sum(axis=1) + X[:, 10] * X[:, 11] > 0
    known = pd.CategoricalDtype([f"c{i}" for i in range(20)])
    table = pd.DataFrame(X).rename(columns=str)
    for i in range(10):
        table[str(i)] = pd.Categorical.from_codes(codes[:, i], dtype=known)
    return table, y.astype(int)


def _sklearn(name: str, **params: Any) -> Any:
    import sklearn.ensemble

    return getattr(sklearn.ensemble, name)(**params)


def lightgbm_classifier(**params: Any) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_jobs=torch.get_num_threads(), verbose=-1, **params)


def _xgboost_of_vectors() -> Any:
    from xgboost import XGBRegressor

    threads = torch.get_num_threads()
    return XGBRegressor(
        n_estimators=100, max_depth=6, multi_strategy="multi_output_tree", n_jobs=threads
    )


def _xgboost(**params: Any) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_jobs=torch.get_num_threads(), **params)


def _jobs(name: str, **params: Any) -> Any:
    return _sklearn(name, n_jobs=torch.get_num_threads(), random_state=0, **params)


WORKLOADS: dict[str, Workload] = {
    "rf-1000x10": Workload(
        lambda: _jobs("RandomForestClassifier", n_estimators=1000, max_depth=10, max_samples=0.2),
        _binary,
        100_000,
        np.float32,
    ),
    "rf-1000x10-float64": Workload(
        lambda: _jobs("RandomForestClassifier", n_estimators=1000, max_depth=10, max_samples=0.2),
        _binary,
        100_000,
        np.float64,
    ),
    "rf-deep-10-classes": Workload(
        lambda: _jobs("RandomForestClassifier"),
        lambda: _classes(10),
        50_000,
        np.float32,
    ),
    "rf-depth-24": Workload(
        lambda: _jobs("RandomForestClassifier", max_depth=24),
        _binary,
        100_000,
        np.float32,
    ),
    "rf-7-classes": Workload(
        lambda: _jobs("RandomForestClassifier", max_depth=12),
        lambda: _classes(7),
        50_000,
        np.float32,
    ),
    "rf-100-classes": Workload(
        lambda: _jobs("RandomForestClassifier", n_estimators=50, max_depth=14),
        lambda: _classes(100),
        50_000,
        np.float32,
    ),
    "rf-small": Workload(
        lambda: _jobs("RandomForestClassifier", n_estimators=10, max_depth=6),
        _binary,
        20_000,
        np.float32,
    ),
    "et-regressor": Workload(
        lambda: _jobs("ExtraTreesRegressor", n_estimators=100),
        _values,
        20_000,
        np.float32,
    ),
    "rf-5-outputs": Workload(
        lambda: _jobs("RandomForestRegressor", n_estimators=100),
        lambda: _values(5),
        20_000,
        np.float32,
    ),
    "rf-5-outputs-depth-8": Workload(
        lambda: _jobs("RandomForestRegressor", n_estimators=100, max_depth=8),
        lambda: _values(5),
        20_000,
        np.float32,
    ),
    "xgb-5-outputs-100x6": Workload(_xgboost_of_vectors, lambda: _values(5), 20_000, np.float32),
    "lgbm-200x31-categories": Workload(
        lambda: lightgbm_classifier(n_estimators=200), _categories, 100_000
    ),
    "lgbm-200x127-categories": Workload(
        lambda: lightgbm_classifier(n_estimators=200, num_leaves=127), _categories, 100_000
    ),
    "isolation": Workload(lambda: _jobs("IsolationForest"), _binary, 20_000, np.float32),
    "gb-sklearn": Workload(
        lambda: _sklearn("GradientBoostingClassifier", n_estimators=100, random_state=0),
        _binary,
        10_000,
        np.float32,
    ),
    "hgb-200x31-nan": Workload(
        lambda: _sklearn("HistGradientBoostingClassifier", max_iter=200, early_stopping=False),
        _with_nan,
        100_000,
        np.float32,
    ),
    "lgbm-500x31": Workload(
        lambda: lightgbm_classifier(n_estimators=500), _binary, 100_000, np.float32
    ),
    "lgbm-500x31-float64": Workload(
        lambda: lightgbm_classifier(n_estimators=500), _binary, 100_000, np.float64
    ),
    "lgbm-100x31": Workload(
        lambda: lightgbm_classifier(n_estimators=100), _binary, 100_000, np.float32
    ),
    "xgb-500x6-nan": Workload(
        lambda: _xgboost(n_estimators=500, max_depth=6),
        _with_nan,
        100_000,
        np.float32,
    ),
    "xgb-500x8": Workload(
        lambda: _xgboost(n_estimators=500, max_depth=8), _binary, 100_000, np.float32
    ),
}

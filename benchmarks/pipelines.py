"""Whole pipelines: scalers, imputers, one-hot columns and projections in front of estimators."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from . import forests
from .grid import Workload

ROWS = (1, 100, 10_000, 100_000)
WITH_SCALER = ("rf-1000x10", "lgbm-500x31", "xgb-500x6-nan")


def _numbers(n: int, width: int, missing: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, width))
    y = (X[:, :5].sum(axis=1) + rng.standard_normal(n) > 0).astype(int)
    X[rng.random(X.shape) < missing] = np.nan
    return X, y


@cache
def _frame(n_numbers: int, n_strings: int, n_levels: int) -> tuple[Any, np.ndarray]:
    """100,000 rows of a frame: numbers with NaN, then strings."""
    import pandas as pd

    X, y = _numbers(100_000, n_numbers, 0.1)
    rng = np.random.default_rng(1)
    levels = np.array([f"level {i}" for i in range(n_levels)], object)
    frame = pd.DataFrame(X, columns=[f"n{i}" for i in range(n_numbers)])
    for i in range(n_strings):
        frame[f"s{i}"] = levels[rng.integers(0, n_levels, len(X))]
    return frame, y


def _sparse() -> tuple[Any, np.ndarray]:
    from scipy import sparse

    X = sparse.random(50_000, 20_000, 0.005, format="csr", random_state=np.random.default_rng(0))
    return sparse.csr_matrix(X), np.random.default_rng(1).integers(0, 20, 50_000)


def _columns(sparse_output: bool = True) -> Any:
    return make_column_transformer(
        (
            make_pipeline(SimpleImputer(), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            OneHotEncoder(handle_unknown="ignore", sparse_output=sparse_output),
            make_column_selector(dtype_exclude="number"),
        ),
    )


WORKLOADS: dict[str, Workload] = {
    f"scaled-{name}": forests.WORKLOADS[name]._replace(
        make=lambda make=forests.WORKLOADS[name].make: make_pipeline(StandardScaler(), make()),
        bare=True,
    )
    for name in WITH_SCALER
} | {
    "impute-scale-lr": Workload(
        lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        lambda: _numbers(100_000, 28, 0.1),
        20_000,
    ),
    "frame-20x1500-lr": Workload(
        lambda: make_pipeline(_columns(), LogisticRegression(max_iter=30)),
        lambda: _frame(20, 20, 1500),
        100_000,
    ),
    "frame-10x20-lgbm": Workload(
        lambda: make_pipeline(_columns(), forests.lightgbm_classifier(n_estimators=100)),
        lambda: _frame(20, 10, 20),
        20_000,
    ),
    "frame-10x20-hgb": Workload(
        lambda: make_pipeline(_columns(False), HistGradientBoostingClassifier(max_iter=100)),
        lambda: _frame(20, 10, 20),
        20_000,
    ),
    "poly-lr-300000x20": Workload(
        lambda: make_pipeline(
            SimpleImputer(), StandardScaler(), PolynomialFeatures(2), LogisticRegression()
        ),
        lambda: _numbers(300_000, 20, 0.1),
        20_000,
    ),
    "ridge-1000000x100": Workload(
        lambda: make_pipeline(StandardScaler(), Ridge()),
        lambda: _numbers(1_000_000, 100),
        20_000,
    ),
    "pca-lr-200000x200": Workload(
        lambda: make_pipeline(StandardScaler(), PCA(32), LogisticRegression()),
        lambda: _numbers(200_000, 200),
        20_000,
    ),
    "csr-lr-20-classes": Workload(
        lambda: LogisticRegression(max_iter=5),
        _sparse,
        50_000,
    ),
}

"""Writes the saved models: `python -m tests.models.make`, for each release installed in turn.

Each file is a model as its library wrote it; `answers.json` has what that library answered for
`ROWS`. The tests read the files of the release they run with and of those before it.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
LETTERS = ["a", "b", "c", "d", "e"]
ODD = [-0.5, -1.0, -0.0, 0.0, 0.5, 1.5, 4.0, 40.0, 1e-36, 1e-30, np.nan]


def _rows(n: int, seed: int) -> np.ndarray:
    """Codes, whole numbers, and numbers, some of each missing."""
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [rng.integers(0, 5, n), rng.integers(-1, 2, n), np.round(rng.normal(size=(2, n)), 2).T]
    )
    x[rng.random(x.shape) < 0.15] = np.nan
    return x


def _with_odd(x: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(2)
    put = rng.random(x.shape) < 0.3
    x[put] = rng.choice(ODD, put.sum())
    return x


def frame(x: np.ndarray) -> pd.DataFrame:
    """The rows with their codes as categories, in another order than the fitted ones."""
    table = pd.DataFrame(x, columns=list("pqrs"))
    codes = np.where(np.isin(x[:, 0], range(5)), x[:, 0], -1).astype(int)
    known = pd.CategoricalDtype(LETTERS)
    table["p"] = pd.Categorical.from_codes(codes, dtype=known)
    return table


X = _rows(200, 0)
Y = np.nan_to_num(X[:, 0]) % 3 + np.nan_to_num(X[:, 1]) + np.nan_to_num(X[:, 2])
ROWS = _with_odd(_rows(60, 1))
SHUFFLED = frame(ROWS).assign(p=lambda t: t["p"].cat.reorder_categories(LETTERS[::-1]))


def lightgbm_models():
    """Name, estimator, rows to fit on, target, further parameters of `fit`."""
    from lightgbm import LGBMRegressor

    small = {"n_estimators": 3, "num_leaves": 5, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}
    fine = {"max_cat_to_onehot": 1, "min_data_per_group": 2, "cat_smooth": 1.0}
    forest = {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}
    whole = np.round(Y) % 3
    by_code = {"categorical_feature": [0]}
    return [
        ("plain", LGBMRegressor(**small), X, Y, {}),
        ("zeros", LGBMRegressor(**small, zero_as_missing=True), X, Y, {}),
        ("codes", LGBMRegressor(**small, **fine), X, Y, by_code),
        ("one-hot", LGBMRegressor(**small, max_cat_to_onehot=9), X, Y, by_code),
        ("categories", LGBMRegressor(**small, **fine), frame(X), Y, {}),
        ("linear", LGBMRegressor(**small, linear_tree=True), X, Y, {}),
        ("forest", LGBMRegressor(**small, **forest), X, Y, {}),
        ("classes", LGBMRegressor(**small, objective="multiclass", num_class=3), X, whole, {}),
    ]


def xgboost_models():
    """The same for XGBoost."""
    from xgboost import XGBRegressor

    small = {"n_estimators": 3, "max_depth": 2, "n_jobs": 1}
    codes = small | {"enable_categorical": True, "feature_types": ["c", "q", "q", "q"]}
    named = small | {"enable_categorical": True}
    whole = np.round(Y) % 3
    classes = {"objective": "multi:softprob", "num_class": 3}
    at_once = {"multi_strategy": "multi_output_tree"}
    linear = {"booster": "gblinear", "n_estimators": 3, "updater": "coord_descent", "n_jobs": 1}
    return [
        ("plain", XGBRegressor(**small), X, Y, {}),
        ("codes", XGBRegressor(**codes, max_cat_to_onehot=1), X, Y, {}),
        ("one-hot", XGBRegressor(**codes, max_cat_to_onehot=9), X, Y, {}),
        ("categories", XGBRegressor(**named, max_cat_to_onehot=1), frame(X), Y, {}),
        ("dart", XGBRegressor(**small, booster="dart", rate_drop=0.5), X, Y, {}),
        ("linear", XGBRegressor(**linear), X, Y, {}),
        ("classes", XGBRegressor(**small, **classes), X, whole, {}),
        ("vectors", XGBRegressor(**small, **at_once), X, np.column_stack([Y, -Y, whole]), {}),
    ]


def rows_for(name: str):
    """The rows that a model is asked: a frame where it was fitted on one."""
    return SHUFFLED if name == "categories" else ROWS


def main() -> None:
    path = HERE / "answers.json"
    answers = json.loads(path.read_text()) if path.exists() else {}
    for library, models in (("lightgbm", lightgbm_models), ("xgboost", xgboost_models)):
        for name, estimator, x, y, params in models():
            estimator.fit(x, y, **params)
            kind = "txt" if library == "lightgbm" else "json"
            file = f"{library}-{version(library)}-{name}.{kind}"
            booster = estimator.booster_ if library == "lightgbm" else estimator.get_booster()
            booster.save_model(HERE / file)
            answers[file] = estimator.predict(rows_for(name)).astype(float).tolist()
    path.write_text(json.dumps(answers, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

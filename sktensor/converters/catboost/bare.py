"""A model made to answer given margins: CatBoost's own links and labels, to be asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from catboost import CatBoostError

from ..boundaries import boundary
from ..registry import Unsupported
from .model import Model

BITS = 10
GRID = 1 << BITS


class Bare:
    """The model of an estimator with one tree, which leads row i to margin i."""

    def __init__(self, est: Any, model: Model):
        self._n_outputs = model.n_outputs
        self._rows = (np.arange(GRID)[:, None] >> np.arange(BITS) & 1).astype(np.float32)
        self._est = type(est)()
        with TemporaryDirectory() as folder:
            file = Path(folder, "model.json")
            file.write_text(json.dumps(_bare(model)), encoding="utf-8")
            try:
                self._est.load_model(str(file), format="json")
            except CatBoostError as error:
                raise Unsupported("a model that CatBoost does not load again") from error

    def ask(self, kind: str, margin: np.ndarray) -> np.ndarray:
        """The predictions of a kind for up to 1,024 margins, (n,) or (n, n_outputs)."""
        n = len(margin)
        values = np.zeros((GRID, self._n_outputs))
        values[:n] = margin.reshape(n, -1)
        self._est.set_leaf_values(values.ravel())
        # Else what it has answered before would be answered again.
        self._est.set_scale_and_bias(1.0, [0.0] * self._n_outputs)
        rows = self._rows[:n]
        return self._est.predict(rows, prediction_type=kind, thread_count=1, verbose=False)

    def boundary(self, chosen: Callable[[np.ndarray], np.ndarray]) -> float:
        """The largest margin whose class is not chosen; those above it all are."""

        def above(margin: np.ndarray) -> np.ndarray:
            return chosen(self.ask("Class", np.tile(margin[:, None], (1, self._n_outputs))))

        return boundary(above)


def _bare(model: Model) -> dict[str, Any]:
    feature = {"borders": [0.5], "feature_id": "", "has_nans": False, "nan_value_treatment": "AsIs"}
    split = {"border": 0.5, "split_type": "FloatFeature"}
    n = model.n_outputs
    tree = {
        "leaf_values": [0.0] * (GRID * n),
        "leaf_weights": [0.0] * GRID,
        "splits": [dict(split, float_feature_index=i, split_index=i) for i in range(BITS)],
    }
    features = [dict(feature, feature_index=i, flat_feature_index=i) for i in range(BITS)]
    return {
        "features_info": {"float_features": features},
        "model_info": model.document["model_info"],
        "oblivious_trees": [tree],
        "scale_and_bias": [1, [0] * n],
    }

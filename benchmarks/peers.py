"""The peers, where they are installed: a fitted estimator in, a function of rows out.

Each builder takes a fitted estimator, the rows and targets it was fitted on, and a number of
threads. It returns a callable that answers the probabilities (classifiers) or values (regressors),
or raises whatever the peer raises for what it cannot convert.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

Answer = Callable[[np.ndarray], np.ndarray]


def onnxruntime(estimator: Any, X: np.ndarray, y: np.ndarray, threads: int) -> Answer:
    """skl2onnx or onnxmltools, then onnxruntime; its inputs are float32."""
    import onnxruntime as ort

    library = type(estimator).__module__.partition(".")[0]
    shape = [None, X.shape[1]]
    if library == "lightgbm":
        from onnxmltools import convert_lightgbm as convert
        from onnxmltools.convert.common.data_types import FloatTensorType
    elif library == "xgboost":
        from onnxmltools import convert_xgboost as convert
        from onnxmltools.convert.common.data_types import FloatTensorType
    else:
        from skl2onnx import convert_sklearn as convert
        from skl2onnx.common.data_types import FloatTensorType
    options = {}
    if hasattr(estimator, "predict_proba") and library != "xgboost":
        options = {"options": {id(estimator): {"zipmap": False}}} if library == "sklearn" else {}
        options = options or {"zipmap": False}
    model = convert(estimator, initial_types=[("X", FloatTensorType(shape))], **options)
    setting = ort.SessionOptions()
    setting.intra_op_num_threads = threads
    session = ort.InferenceSession(
        model.SerializeToString(), setting, providers=["CPUExecutionProvider"]
    )
    output = session.get_outputs()[-1 if hasattr(estimator, "predict_proba") else 0].name
    return lambda rows: session.run([output], {"X": rows.astype(np.float32, copy=False)})[0]


def daal4py(estimator: Any, X: np.ndarray, y: np.ndarray, threads: int) -> Answer:
    """Intel's library: boosted trees by its model builder."""
    import daal4py as d4p

    library = type(estimator).__module__.partition(".")[0]
    if library not in ("xgboost", "lightgbm"):
        raise NotImplementedError("boosted trees only")
    d4p.daalinit(threads)
    booster = estimator.get_booster() if library == "xgboost" else estimator.booster_
    model = d4p.mb.convert_model(booster)
    answer = model.predict_proba if hasattr(estimator, "predict_proba") else model.predict
    return lambda rows: answer(rows)


def sklearnex(estimator: Any, X: np.ndarray, y: np.ndarray, threads: int) -> Answer:
    """Intel's forests, which it cannot take from scikit-learn: of the same parameters, refitted."""
    import daal4py as d4p
    import sklearnex.ensemble as theirs

    if not hasattr(theirs, type(estimator).__name__):
        raise NotImplementedError("forests of scikit-learn only")
    d4p.daalinit(threads)
    other = getattr(theirs, type(estimator).__name__)(**estimator.get_params()).fit(X, y)
    return other.predict_proba if hasattr(other, "predict_proba") else other.predict


def lleaves(estimator: Any, X: np.ndarray, y: np.ndarray, threads: int) -> Answer:
    """LightGBM compiled by LLVM."""
    import lleaves as compiler

    if type(estimator).__module__.partition(".")[0] != "lightgbm":
        raise NotImplementedError("LightGBM only")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.txt"
        estimator.booster_.save_model(str(path))
        model = compiler.Model(model_file=str(path))
        model.compile()

    def answer(rows: np.ndarray) -> np.ndarray:
        p = model.predict(rows, n_jobs=threads)
        two = hasattr(estimator, "predict_proba") and p.ndim == 1
        return np.column_stack([1 - p, p]) if two else p

    return answer


def treelite(estimator: Any, X: np.ndarray, y: np.ndarray, threads: int) -> Answer:
    """treelite's general tree inference."""
    import treelite as library

    kind = type(estimator).__module__.partition(".")[0]
    if kind == "xgboost":
        model = library.frontend.from_xgboost(estimator.get_booster())
    elif kind == "lightgbm":
        model = library.frontend.from_lightgbm(estimator.booster_)
    else:
        model = library.sklearn.import_model(estimator)

    def answer(rows: np.ndarray) -> np.ndarray:
        p = np.asarray(library.gtil.predict(model, rows, nthread=threads))
        p = p.reshape(len(rows), -1)
        two = hasattr(estimator, "predict_proba") and p.shape[1] == 1
        return np.column_stack([1 - p, p]) if two else p

    return answer


def hummingbird(estimator: Any, X: np.ndarray, y: np.ndarray, threads: int) -> Answer:
    """Hummingbird's torch backend."""
    from hummingbird.ml import convert

    model = convert(estimator, "torch", X[:10])
    return model.predict_proba if hasattr(estimator, "predict_proba") else model.predict


PEERS = {
    "onnxruntime": onnxruntime,
    "daal4py": daal4py,
    "sklearnex": sklearnex,
    "lleaves": lleaves,
    "treelite": treelite,
    "hummingbird": hummingbird,
}
WRONG = 1e-3  # the difference from which an answer is not the same one
REFITTED = {"sklearnex"}  # answer for a forest that is alike, but another


def is_right(peer: str, difference: float) -> bool:
    """Whether a peer's answers are near enough the native ones to count."""
    return peer in REFITTED or difference < WRONG


def installed() -> dict[str, Callable[..., Answer]]:
    """The peers that can be imported here."""
    return {name: build for name, build in PEERS.items() if find_spec(name)}

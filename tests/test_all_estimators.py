"""Every estimator that scikit-learn has, fitted on suitable data, answers as it does natively."""

from __future__ import annotations

import inspect
import warnings
from functools import cache

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import get_tags
from sklearn.utils.discovery import all_estimators

from sktensor import TensorAccelerated

from .support import METHODS, assert_same_outcome

CLASSES = dict(all_estimators())
STEPS = [("scaled", StandardScaler()), ("bounded", MinMaxScaler())]
CLASSIFIERS = [("lr", LogisticRegression()), ("rf", RandomForestClassifier(5, random_state=0))]
REGRESSORS = [("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]
# Before scikit-learn 1.7 chains called it `base_estimator`.
CHAINED = next(iter(inspect.signature(CLASSES["RegressorChain"]).parameters))

# How those are made that cannot be made, or fitted fast, without a word.
MADE = {
    "ClassifierChain": {CHAINED: LogisticRegression()},
    "ColumnTransformer": {"transformers": [(n, t, [i]) for i, (n, t) in enumerate(STEPS)]},
    "FeatureUnion": {"transformer_list": STEPS},
    "FixedThresholdClassifier": {"estimator": LogisticRegression()},
    "FrozenEstimator": {"estimator": LogisticRegression()},
    "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [0.1, 1.0]}},
    "HalvingGridSearchCV": {"estimator": Ridge(), "param_grid": {"alpha": [0.1, 1.0]}},
    "HalvingRandomSearchCV": {"estimator": Ridge(), "param_distributions": {"alpha": [0.1, 1.0]}},
    "MultiOutputClassifier": {"estimator": LogisticRegression()},
    "MultiOutputRegressor": {"estimator": Ridge()},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OneVsRestClassifier": {"estimator": LinearSVC()},
    "OutputCodeClassifier": {"estimator": LogisticRegression(), "random_state": 0},
    "OrthogonalMatchingPursuitCV": {"max_iter": 3},
    "Pipeline": {"steps": [*STEPS, ("lr", LogisticRegression())]},
    "RFE": {"estimator": LogisticRegression(), "n_features_to_select": 2},
    "RFECV": {"estimator": LogisticRegression(), "cv": 3},
    "RandomizedSearchCV": {
        "estimator": LogisticRegression(),
        "param_distributions": {"C": [0.1, 1.0]},
        "n_iter": 2,
    },
    "RegressorChain": {CHAINED: Ridge()},
    "SelectFromModel": {"estimator": LogisticRegression()},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
    "SequentialFeatureSelector": {"estimator": LogisticRegression(), "cv": 3},
    "SparseCoder": {"dictionary": np.eye(4)},
    "StackingClassifier": {"estimators": CLASSIFIERS},
    "StackingRegressor": {"estimators": REGRESSORS},
    "TunedThresholdClassifierCV": {"estimator": LogisticRegression()},
    "VotingClassifier": {"estimators": CLASSIFIERS},
    "VotingRegressor": {"estimators": REGRESSORS},
}
# Sizes that keep the table fast, wherever an estimator has such a parameter.
SMALL = {"n_estimators": 7, "max_iter": 200, "random_state": 0, "n_init": 1, "cv": 3}
SMALL_OF = {
    "GaussianRandomProjection": {"n_components": 2},
    "HistGradientBoostingClassifier": {"max_iter": 10},
    "HistGradientBoostingRegressor": {"max_iter": 10},
    "MiniBatchNMF": {"max_iter": 20},
    "QuantileTransformer": {"n_quantiles": 20},
    "SelfTrainingClassifier": {"max_iter": 5},
    "SpectralBiclustering": {"n_clusters": 2},
    "SparseRandomProjection": {"n_components": 2},
    "SpectralCoclustering": {"n_clusters": 2},
    "TSNE": {"max_iter": 250},
}
TEXTS = ["the cat sat", "the dog sat", "a dog ran", "cats and dogs", "so it goes"] * 4
DICTS = [{"city": "A", "size": 1.0}, {"city": "B", "size": 2.0}, {"size": 3.0}]


def estimator_of(name: str):
    params = MADE.get(name, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of classes that will go
        estimator = CLASSES[name](**params)
    own = estimator.get_params(deep=False)
    small = {**SMALL, **SMALL_OF.get(name, {})}
    changes = {k: v for k, v in small.items() if k in own and k not in params}
    if changes:
        estimator.set_params(**changes)
    if name in FROZEN:
        return estimator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        # Of its own: a Pipeline fits the very steps it is given, which others are given too.
        return clone(estimator)


@cache
def iris():
    X, y = load_iris(return_X_y=True)
    keep = np.r_[0:25, 50:75, 100:125]
    return np.ascontiguousarray(X[keep]), y[keep]


def data_of(name: str, estimator):
    """Rows that suit the estimator, and a target, or None."""
    X, y = iris()
    tags = get_tags(estimator)
    if name in ("LabelEncoder", "LabelBinarizer"):
        return np.array(list("abcab")), None
    if name == "MultiLabelBinarizer":
        return [["a", "b"], ["c"], ["a"]], None
    if name == "DictVectorizer":
        return DICTS, None
    if name == "FeatureHasher":
        return DICTS, None
    if name == "PatchExtractor":
        return X[:12].reshape(3, 4, 4), None
    if name == "IsotonicRegression":
        return X[:, 0], X[:, 1]
    if name in ("CountVectorizer", "HashingVectorizer", "TfidfVectorizer"):
        return TEXTS, None
    if name in ("MultiOutputClassifier", "ClassifierChain"):
        return X, np.column_stack([y, y > 0])
    if name.startswith("MultiTask") or name in ("MultiOutputRegressor", "RegressorChain"):
        return X[:, :2], X[:, 2:]
    if name.startswith(("CCA", "PLS")):
        return X[:, :2], X[:, 2:]
    if tags.input_tags.pairwise or name == "KernelCenterer":
        return rbf_kernel(X), y
    if name in ("GammaRegressor", "PoissonRegressor", "TweedieRegressor"):
        return X, X[:, 3] + 1
    if is_regressor(estimator):
        return X, X[:, 3]
    if tags.target_tags.required or is_classifier(estimator):
        return X, (y if tags.classifier_tags is None or tags.classifier_tags.multi_class else y > 0)
    return X, None if name in ("GaussianMixture", "BayesianGaussianMixture") else y


@cache
def fitted(name: str):
    estimator = estimator_of(name)
    X, y = data_of(name, estimator)
    if name == "FrozenEstimator":
        estimator.estimator.fit(X, y)
    takes_y = {"y", "Y"} & set(inspect.signature(estimator.fit).parameters)
    arguments = [y] if y is not None and takes_y else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, *arguments)
    return estimator, X, arguments


def probes(X):
    """The rows in every form that an estimator of numbers may be given."""
    yield X
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f":
        yield X.astype(np.float32)
        yield X[:1]
        yield np.asfortranarray(X[::-1])
        yield np.round(X).astype(np.int64)
        yield X.tolist()
        yield X[:0]
        yield np.where(np.arange(X.size).reshape(X.shape) == 5, np.nan, X)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_answers_as_natively(name):
    estimator, X, _ = fitted(name)
    ours = TensorAccelerated(estimator, device="cpu")
    asked = [m for m in METHODS if hasattr(estimator, m)]
    assert asked == [m for m in METHODS if hasattr(ours, m)]
    for table in probes(X):
        for method in asked:
            assert_same_outcome(
                lambda m=method, t=table: getattr(ours, m)(t),
                lambda m=method, t=table: getattr(estimator, m)(t),
            )


FROZEN = ("FrozenEstimator",)  # keeps the fit that it is given


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_fits_as_natively(name):
    estimator, X, arguments = fitted(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = clone(estimator)
        before = dict(vars(given))
        ours = TensorAccelerated(given, device="cpu")
        assert ours.fit(X, *arguments) is ours
    assert vars(given) == before or name in FROZEN
    assert (ours.estimator_ is given) == (name in FROZEN)
    for method in METHODS:
        if hasattr(estimator, method):
            assert_same_outcome(
                lambda m=method: getattr(ours, m)(X), lambda m=method: getattr(estimator, m)(X)
            )


@pytest.mark.parametrize("name", sorted(CLASSES))
@pytest.mark.parametrize("method", ["fit_transform", "fit_predict", "inverse_transform", "score"])
def test_other_methods_are_there_and_answer_as_natively(name, method):
    estimator, X, arguments = fitted(name)
    ours = TensorAccelerated(estimator, device="cpu")
    assert hasattr(ours, method) == hasattr(estimator, method)
    if not hasattr(estimator, method):
        return
    if method == "inverse_transform":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            X = estimator.transform(X)
        arguments = []
    native = clone(estimator) if method.startswith("fit_") else estimator
    assert_same_outcome(
        lambda: getattr(ours, method)(X, *arguments),
        lambda: getattr(native, method)(X, *arguments),
    )


def test_there_are_estimators_of_every_kind():
    assert len(CLASSES) > 180
    assert {"Pipeline", "KMeans", "LocalOutlierFactor", "TSNE", "Birch"} <= set(CLASSES)
    assert CLASSES["KMeans"] is KMeans
    assert CLASSES["CalibratedClassifierCV"] is CalibratedClassifierCV

"""Single estimators beside themselves: every method, so that none is slower than it was natively.

A step behind others may hide what it costs. Rows are 100,000 of 20 columns, of which a first part
is answered; targets are of two classes or three.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sklearn.preprocessing as pp
import torch
from catboost import CatBoostClassifier, CatBoostRegressor
from imblearn.ensemble import BalancedRandomForestClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn import linear_model as lm
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import BisectingKMeans, FeatureAgglomeration, KMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import make_classification
from sklearn.decomposition import (
    PCA,
    FactorAnalysis,
    FastICA,
    KernelPCA,
    MiniBatchSparsePCA,
    TruncatedSVD,
)
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.impute._iterative import IterativeImputer
from sklearn.kernel_approximation import AdditiveChi2Sampler, Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import (
    KernelDensity,
    KNeighborsClassifier,
    KNeighborsRegressor,
    LocalOutlierFactor,
    NearestCentroid,
)
from sklearn.neural_network import BernoulliRBM, MLPClassifier, MLPRegressor
from sklearn.random_projection import GaussianRandomProjection
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, OneClassSVM

from sktensor import TensorAccelerated

from . import measure

ROWS = (1, 1_000, 10_000, 100_000)
N_FIT = 5_000
METHODS = ("predict", "predict_proba", "decision_function", "score_samples", "transform")
LOGISTIC = lm.LogisticRegression(max_iter=200)

BALANCED = {"replacement": True, "sampling_strategy": "all", "bootstrap": False, "n_jobs": -1}
QUIETLY = {"verbose": 0, "allow_writing_files": False, "thread_count": -1}

# An estimator, how many classes its targets are of, and what is done to its rows.
WORKLOADS: dict[str, tuple[Any, int, str]] = {
    "logistic": (LOGISTIC, 2, ""),
    "logistic-3": (LOGISTIC, 3, ""),
    "ridge": (lm.Ridge(), 2, ""),
    "ridge-classifier-3": (lm.RidgeClassifier(), 3, ""),
    "sgd-3": (lm.SGDClassifier(loss="log_loss", random_state=0), 3, ""),
    "poisson": (lm.PoissonRegressor(), 2, ""),
    "linear-svc-3": (LinearSVC(), 3, ""),
    "linear-svr": (LinearSVR(), 2, ""),
    "lda-3": (LinearDiscriminantAnalysis(), 3, ""),
    "one-vs-rest-3": (OneVsRestClassifier(LOGISTIC), 3, ""),
    "calibrated-svc": (CalibratedClassifierCV(LinearSVC(), cv=3), 2, ""),
    "threshold": (FixedThresholdClassifier(LOGISTIC, threshold=0.3), 2, ""),
    "gaussian-nb-3": (GaussianNB(), 3, ""),
    "bernoulli-nb-3": (BernoulliNB(), 3, ""),
    "multinomial-nb-3": (MultinomialNB(), 3, "positive"),
    "mlp-32-3": (MLPClassifier((32,), max_iter=5, random_state=0), 3, ""),
    "mlp-32": (MLPRegressor(hidden_layer_sizes=(32,), max_iter=5, random_state=0), 2, ""),
    "k-means-5": (KMeans(5, n_init=1, random_state=0), 2, ""),
    "pca-8": (PCA(8), 2, ""),
    "truncated-svd-8": (TruncatedSVD(8, random_state=0), 2, ""),
    "pls-2": (PLSRegression(2), 2, ""),
    "standard": (pp.StandardScaler(), 2, ""),
    "min-max": (pp.MinMaxScaler(), 2, ""),
    "max-abs": (pp.MaxAbsScaler(), 2, ""),
    "robust": (pp.RobustScaler(), 2, ""),
    "normalizer": (pp.Normalizer(), 2, ""),
    "binarizer": (pp.Binarizer(), 2, ""),
    "polynomial-2": (pp.PolynomialFeatures(2), 2, ""),
    "bins-5": (pp.KBinsDiscretizer(5, encode="ordinal"), 2, ""),
    "quantile": (pp.QuantileTransformer(random_state=0), 2, ""),
    "power": (pp.PowerTransformer(), 2, ""),
    "spline": (pp.SplineTransformer(), 2, ""),
    "select-5": (SelectKBest(k=5), 2, ""),
    "imputer": (SimpleImputer(), 2, "missing"),
    "nearest-imputer": (KNNImputer(), 2, "missing"),
    "rounds-imputer": (IterativeImputer(random_state=0), 2, "missing"),
    "missing-indicator": (MissingIndicator(), 2, "missing"),
    "svc": (SVC(), 2, ""),
    "svc-3": (SVC(), 3, ""),
    "svc-probability": (SVC(probability=True, random_state=0), 2, ""),
    "svc-poly": (SVC(kernel="poly"), 2, ""),
    "svc-linear": (SVC(kernel="linear", C=0.1), 2, ""),
    "svr": (SVR(), 2, ""),
    "one-class-svm": (OneClassSVM(nu=0.1), 2, ""),
    "kernel-ridge": (KernelRidge(kernel="rbf"), 2, ""),
    "kernel-pca-8": (KernelPCA(8, kernel="rbf", eigen_solver="randomized", random_state=0), 2, ""),
    "nystroem": (Nystroem(random_state=0), 2, ""),
    "gaussian-process": (GaussianProcessRegressor(Matern(4.0), alpha=0.1, optimizer=None), 2, ""),
    "neighbors": (KNeighborsClassifier(), 2, ""),
    "neighbors-by-distance": (KNeighborsRegressor(weights="distance", algorithm="kd_tree"), 2, ""),
    "outlier-factor": (LocalOutlierFactor(novelty=True), 2, ""),
    "density": (KernelDensity(bandwidth=4.0), 2, ""),
    "mixture-5": (GaussianMixture(5, random_state=0), 2, ""),
    "mixture-5-diag": (GaussianMixture(5, covariance_type="diag", random_state=0), 2, ""),
    "qda-3": (QuadraticDiscriminantAnalysis(reg_param=0.1), 3, ""),
    "elliptic-envelope": (EllipticEnvelope(random_state=0), 2, ""),
    "factor-analysis-8": (FactorAnalysis(8), 2, ""),
    "fast-ica-8": (FastICA(8, random_state=0), 2, ""),
    "sparse-pca-8": (MiniBatchSparsePCA(8, max_iter=20, random_state=0), 2, ""),
    "chi2": (AdditiveChi2Sampler(), 2, "positive"),
    "random-projection": (GaussianRandomProjection(10, random_state=0), 2, ""),
    "rbf-sampler": (RBFSampler(random_state=0), 2, ""),
    "boltzmann-32": (BernoulliRBM(32, n_iter=1, random_state=0), 2, "positive"),
    "one-vs-one-3": (OneVsOneClassifier(LOGISTIC), 3, ""),
    "output-code-3": (OutputCodeClassifier(LOGISTIC, random_state=0), 3, ""),
    "nearest-centroid-3": (NearestCentroid(), 3, ""),
    "bisecting-k-means-5": (BisectingKMeans(5, random_state=0), 2, ""),
    "random-forest-26": (RandomForestClassifier(30, max_depth=6, random_state=0), 26, ""),
    "catboost-500": (CatBoostRegressor(iterations=500, **QUIETLY), 2, ""),
    "catboost-200-4": (CatBoostClassifier(iterations=200, **QUIETLY), 4, ""),
    "catboost-100-depth-4": (CatBoostClassifier(iterations=100, depth=4, **QUIETLY), 2, ""),
    "resampled-logistic": (
        make_pipeline(pp.StandardScaler(), SMOTE(random_state=0), LOGISTIC),
        2,
        "",
    ),
    "balanced-forest": (BalancedRandomForestClassifier(**BALANCED), 2, ""),
    "agglomeration-5": (FeatureAgglomeration(5), 2, ""),
}
# Whose native method takes some 50 microseconds a row and more: fewer rows are answered.
SLOW = {
    *(
        "svc",
        "svc-3",
        "svc-probability",
        "svc-poly",
        "svc-linear",
        "svr",
        "one-class-svm",
        "kernel-ridge",
    ),
    *("kernel-pca-8", "gaussian-process", "neighbors", "neighbors-by-distance"),
    "nearest-imputer",
    *("outlier-factor", "density"),
}
MOST_SLOW = 10_000


def table(n: int, n_classes: int, how: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows and their targets."""
    X, y = make_classification(n, 20, n_informative=8, n_classes=n_classes, random_state=0)
    if how == "positive":
        X = np.abs(X)
    if how == "missing":
        X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    return X, y


def run(names: Sequence[str], rows: Sequence[int], budget: float) -> Iterator[dict[str, Any]]:
    """A result for every method and number of rows, as those of the grid."""
    for name in names:
        estimator, n_classes, how = WORKLOADS[name]
        if "thread_count" in estimator.get_params():
            estimator.set_params(thread_count=torch.get_num_threads())
        X, y = table(max(N_FIT, *rows), n_classes, how)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of few iterations
            estimator.fit(X[:N_FIT], y[:N_FIT])
        for method in METHODS:
            if not hasattr(estimator, method):
                continue
            ours = TensorAccelerated(estimator, device="cpu")
            engines = {"native": getattr(estimator, method), "sktensor": getattr(ours, method)}
            for n in [n for n in rows if name not in SLOW or n <= MOST_SLOW]:
                some = X[:n]
                difference = measure.difference(*(call(some) for call in engines.values()))
                calls = {e: lambda call=call, some=some: call(some) for e, call in engines.items()}
                times = measure.paired(calls, budget)
                yield {
                    "workload": f"{name} {method}",
                    "rows": n,
                    "seconds": {e: measure.median(t) for e, t in times.items()},
                    "ratio": {e: measure.ratio(times, "sktensor", e) for e in times},
                    "difference": {"native": 0.0, "sktensor": difference},
                    "native_steps": [
                        s.reason for s in ours.explain(method).steps if s.backend == "native"
                    ],
                }

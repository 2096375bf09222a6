"""Rows for `sklearn.linear_model`."""

import warnings

import numpy as np
from sklearn import linear_model as lm
from sklearn.dummy import DummyRegressor

from ..support import Case
from . import data as d

COUNTS = np.round(d.X).astype(np.int64)
LABELSETS = (d.Y_OUTPUTS > 0.5).astype(int)
FAR = d.X * 1e3  # margins where the logistic function is 0 or 1
ZEROS = np.vstack([np.zeros((3, 6)), d.X])


def deprecated(kind, **params):
    """An estimator whose constructor warns that it will go."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind(**params)


REGRESSORS = [
    lm.ARDRegression(),
    lm.BayesianRidge(),
    lm.ElasticNet(alpha=0.1),
    lm.ElasticNetCV(cv=2),
    lm.HuberRegressor(),
    lm.Lars(),
    lm.LarsCV(cv=2),
    lm.Lasso(alpha=0.1),
    lm.LassoCV(cv=2),
    lm.LassoLars(alpha=0.1),
    lm.LassoLarsCV(cv=2),
    lm.LassoLarsIC(),
    lm.LinearRegression(),
    lm.OrthogonalMatchingPursuit(),
    lm.OrthogonalMatchingPursuitCV(cv=2),
    lm.QuantileRegressor(alpha=0.01, solver="highs"),
    lm.Ridge(),
    lm.RidgeCV(),
    lm.TheilSenRegressor(max_subpopulation=100, random_state=0),
    lm.SGDRegressor(random_state=0),
    deprecated(lm.PassiveAggressiveRegressor, random_state=0),
]
SEVERAL = [
    lm.ElasticNet(alpha=0.1),
    lm.Lars(),
    lm.Lasso(alpha=0.1, fit_intercept=False),
    lm.LinearRegression(),
    lm.LinearRegression(fit_intercept=False),
    lm.MultiTaskElasticNet(alpha=0.1),
    lm.MultiTaskElasticNetCV(cv=2),
    lm.MultiTaskLasso(alpha=0.1),
    lm.MultiTaskLassoCV(cv=2),
    lm.OrthogonalMatchingPursuit(n_nonzero_coefs=2),
    lm.Ridge(),
    lm.RidgeCV(alpha_per_target=True),
]
CLASSIFIERS = [
    lm.LogisticRegression(C=0.5),
    lm.LogisticRegression(fit_intercept=False),
    lm.LogisticRegressionCV(Cs=2, cv=2, l1_ratios=(0.0,), use_legacy_attributes=False)
    if "use_legacy_attributes" in lm.LogisticRegressionCV().get_params()
    else lm.LogisticRegressionCV(Cs=2, cv=2),
    lm.Perceptron(random_state=0),
    deprecated(lm.PassiveAggressiveClassifier, random_state=0),
    lm.RidgeClassifier(),
    lm.RidgeClassifier(fit_intercept=False),
    lm.RidgeClassifierCV(),
    lm.SGDClassifier(random_state=0),
    lm.SGDClassifier(loss="log_loss", random_state=0, average=True),
    lm.SGDClassifier(loss="modified_huber", random_state=0),
    lm.SGDClassifier(loss="squared_error", learning_rate="adaptive", eta0=1e-4, random_state=0),
]

# Until scikit-learn 1.7, parameters chose between one-vs-rest and multinomial.
CHOOSES = "multi_class" in lm.LogisticRegression().get_params()
STRATEGIES = [
    lm.LogisticRegression(solver="liblinear"),
    *(lm.LogisticRegression(multi_class=m) for m in ("ovr", "multinomial", "auto") if CHOOSES),
]

CASES = [
    *(Case(est, y=d.Y_REAL) for est in REGRESSORS),
    *(Case(est, y=d.Y_OUTPUTS) for est in SEVERAL),
    *(
        Case(est, y=d.Y_REAL[:, None])  # a column: some estimators return one, some do not
        for est in (lm.LinearRegression(), lm.Ridge(), lm.RidgeCV(), lm.ElasticNet(), lm.Lars())
    ),
    Case(lm.Ridge(fit_intercept=False), y=d.Y_REAL),
    Case(lm.LinearRegression(positive=True), COUNTS, d.Y_REAL, frame=False),
    Case(lm.Ridge(), COUNTS.astype(np.int8), d.Y_REAL, frame=False),
    Case(lm.Ridge(), d.X > 0, d.Y_REAL, frame=False),
    *(
        Case(est, y=d.Y_POSITIVE)
        for est in (
            lm.PoissonRegressor(),
            lm.GammaRegressor(),
            lm.TweedieRegressor(power=1.5),
            lm.TweedieRegressor(power=0),
            lm.TweedieRegressor(power=0, link="log"),
            lm.PoissonRegressor(fit_intercept=False),
        )
    ),
    Case(lm.PoissonRegressor(), COUNTS, d.Y_POSITIVE, frame=False),
    Case(lm.RANSACRegressor(random_state=0), y=d.Y_REAL),
    Case(lm.RANSACRegressor(lm.Ridge(), min_samples=20, random_state=0), y=d.Y_OUTPUTS),
    Case(
        lm.RANSACRegressor(DummyRegressor(), min_samples=5, random_state=0),
        y=d.Y_REAL,
        native=("predict",),
        reason="no converter",
    ),
    *(Case(est, y=y) for est in CLASSIFIERS for y in (d.Y_LABELS, d.Y_MULTI)),
    *(Case(est, y=y, probe=FAR) for est in CLASSIFIERS for y in (d.Y_BINARY > 0, d.Y_TEXT)),
    *(
        Case(est, y=y, probe=ZEROS)
        for est in (
            lm.LogisticRegression(fit_intercept=False),
            lm.RidgeClassifier(fit_intercept=False),
        )
        for y in (d.Y_LABELS, d.Y_MULTI)
    ),
    *(Case(est, y=d.Y_LABELS) for est in STRATEGIES),
    *(Case(est, y=d.Y_MULTI, probe=FAR) for est in STRATEGIES if CHOOSES),
    Case(lm.LogisticRegression(), COUNTS, d.Y_MULTI, frame=False),
    Case(lm.RidgeClassifier(), y=LABELSETS),
    Case(lm.RidgeClassifierCV(), y=LABELSETS),
    Case(lm.SGDOneClassSVM(random_state=0)),
    Case(lm.SGDOneClassSVM(random_state=0, fit_intercept=False), probe=ZEROS),
]

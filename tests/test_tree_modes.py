"""The table of modes: every tree model, in every mode, on rows that bite.

Each row is compiled and equal to what the library installed answers, to 1e-12 in float64. What
a library can be asked for and has no row here fails a test of its own.
"""

from __future__ import annotations

import numpy as np
import pytest
import xgboost
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor, early_stopping
from sklearn import ensemble, tree
from sklearn.dummy import DummyRegressor
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.fixes import parse_version
from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from sktensor import TensorAccelerated
from sktensor.converters.lightgbm import links as lightgbm_links
from sktensor.converters.xgboost import links as xgboost_links
from sktensor.converters.xgboost.table import DMATRIX_OF_CATEGORIES

from . import support
from . import tree_modes as m
from .support import assert_answers_alike, assert_same, fitted_quietly
from .tree_modes import Mode

XGBOOST = parse_version(xgboost.__version__)
FEW = {"n_estimators": 4, "random_state": 0}
ONE = {"random_state": 0, "max_depth": 6}
TREES = (tree.DecisionTreeClassifier, tree.ExtraTreeClassifier)
TREES += (tree.DecisionTreeRegressor, tree.ExtraTreeRegressor)
FORESTS = (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier)
FORESTS += (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor)
BOOSTED = (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor)
HISTOGRAM = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
NAMED = {"native": ("apply",)}  # three dimensions, or names


def options(kind, name):
    """What a parameter of a scikit-learn estimator may be, as scikit-learn itself has it."""
    found = set()
    for constraint in kind._parameter_constraints[name]:
        if isinstance(constraint, set | StrOptions):
            found |= set(getattr(constraint, "options", constraint))
    return sorted(found)


def of_trees():
    for kind in (*TREES, *FORESTS):
        params = ONE if kind in TREES else FEW
        classifies = "Classifier" in kind.__name__
        for criterion in options(kind, "criterion"):
            y = m.Y_MULTI if classifies else m.Y_POSITIVE
            yield Mode(criterion, kind(criterion=criterion, **params), y, m.X, exact=True)
        y, at_once = (m.Y_TEXT, m.Y_CLASSES) if classifies else (m.Y, m.Y_OUTPUTS)
        yield Mode("missing values", kind(**params), y, exact=True)
        yield Mode("several outputs", kind(**params), at_once, exact=True)
        monotonic = {"monotonic_cst": [1, 0, 0, -1, 0]}
        y = m.Y_BINARY if classifies else m.Y
        yield Mode("monotonic", kind(**params, **monotonic), y, m.X, exact=True)
        if not classifies:
            continue
        weights = {"class_weight": "balanced"}
        yield Mode("class weights", kind(**params, **weights), m.Y_MULTI, exact=True)
        for y in (m.Y_TEXT, m.Y_TEXT.astype(str), m.Y_BINARY.astype(bool), m.Y_MULTI * 2.0):
            yield Mode(f"labels of {y.dtype}", kind(**params), y, exact=True)


def of_scikit_learn():
    yield from of_trees()
    embedding = ensemble.RandomTreesEmbedding
    yield Mode("sparse", embedding(**FEW), m.Y, m.X)
    yield Mode("dense", embedding(**FEW, sparse_output=False), m.Y, m.X)
    yield Mode("missing values", ensemble.IsolationForest(**FEW), m.Y, exact=True)
    yield Mode("some columns", ensemble.IsolationForest(**FEW, max_features=2), m.Y, exact=True)
    contamination = ensemble.IsolationForest(**FEW, contamination=0.1)
    yield Mode("contamination", contamination, m.Y, exact=True)
    for kind in BOOSTED:
        for loss in options(kind, "loss"):
            y = m.Y_BINARY if kind is BOOSTED[0] else m.Y
            yield Mode(loss, kind(loss=loss, **FEW), y, m.X, **NAMED)
    classifier, regressor = BOOSTED
    yield Mode("multiclass", classifier(**FEW), m.Y_TEXT, m.X, **NAMED)
    yield Mode("init zero", classifier(**FEW, init="zero"), m.Y_MULTI, m.X, **NAMED)
    shallow = tree.DecisionTreeClassifier(max_depth=2)
    yield Mode("init of one's own", classifier(**FEW, init=shallow), m.Y_MULTI, m.X, **NAMED)
    median = DummyRegressor(strategy="median")
    yield Mode("init of one's own", regressor(**FEW, init=median), m.Y, m.X, **NAMED)
    short = {"max_iter": 4, "min_samples_leaf": 3, "early_stopping": False}
    coded = {"categorical_features": [0]}
    typed = {"categorical_features": "from_dtype"}
    for kind in HISTOGRAM:
        targets = {"gamma": m.Y_POSITIVE, "poisson": m.Y_COUNTS}
        default = m.Y_BINARY if kind is HISTOGRAM[0] else m.Y
        for loss in options(kind, "loss"):
            params = short | ({"quantile": 0.8} if loss == "quantile" else {})
            yield Mode(loss, kind(loss=loss, **params), targets.get(loss, default))
        several = m.Y_MULTI if kind is HISTOGRAM[0] else m.Y
        yield Mode("codes", kind(**short, **coded), several, m.X_CODED, coded=(0,))
        yield Mode("pandas categories", kind(**short, **typed), several, m.FRAME)
        pairs = {"interaction_cst": [[0, 1], [2, 3, 4]]}
        yield Mode("interactions", kind(**short, **pairs), several)
        monotonic = {"monotonic_cst": [1, 0, 0, -1, 0]}
        yield Mode("monotonic", kind(**short, **monotonic), default)
    yield Mode("multiclass", HISTOGRAM[0](**short), m.Y_TEXT)


XGB = {"n_estimators": 4, "max_depth": 4, "n_jobs": 1, "random_state": 0}
OF_XGBOOST = {
    "reg:squarederror": (XGBRegressor, m.Y),
    "reg:squaredlogerror": (XGBRegressor, m.Y_POSITIVE),
    "reg:pseudohubererror": (XGBRegressor, m.Y),
    "reg:absoluteerror": (XGBRegressor, m.Y),
    "reg:quantileerror": (XGBRegressor, m.Y),
    "reg:logistic": (XGBRegressor, m.Y_SHARE),
    "reg:gamma": (XGBRegressor, m.Y_POSITIVE),
    "reg:tweedie": (XGBRegressor, m.Y_COUNTS),
    "count:poisson": (XGBRegressor, m.Y_COUNTS),
    "survival:cox": (XGBRegressor, m.Y_POSITIVE),
    "binary:logistic": (XGBClassifier, m.Y_BINARY),
    "binary:logitraw": (XGBClassifier, m.Y_BINARY),
    "binary:hinge": (XGBClassifier, m.Y_BINARY),
    "multi:softprob": (XGBClassifier, m.Y_MULTI),
    "multi:softmax": (XGBClassifier, m.Y_MULTI),
    "rank:ndcg": (XGBRanker, m.Y_MULTI),
    "rank:map": (XGBRanker, m.Y_BINARY),
    "rank:pairwise": (XGBRanker, m.Y_MULTI),
}
EXACT = {"reg:squarederror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror"}
QID = {"qid": np.repeat(np.arange(16), 10)}


def of_xgboost():
    for objective, (kind, y) in OF_XGBOOST.items():
        params = XGB | {"objective": objective}
        if objective == "reg:quantileerror":
            params["quantile_alpha"] = [0.1, 0.5, 0.9]
        fit = QID if kind is XGBRanker else {}
        exact = objective in EXACT or kind is XGBRanker
        yield Mode(objective, kind(**params), y, fit=fit, exact=exact)
        yield Mode(f"dart {objective}", kind(**params, booster="dart", rate_drop=0.5), y, fit=fit)
    linear = {"booster": "gblinear", "updater": "coord_descent", "n_estimators": 4, "n_jobs": 1}
    no_apply = {"native": ("apply",)}
    yield Mode("gblinear", XGBRegressor(**linear), m.Y, **no_apply)
    yield Mode("gblinear", XGBClassifier(**linear), m.Y_BINARY, **no_apply)
    yield Mode("gblinear", XGBClassifier(**linear), m.Y_MULTI, **no_apply)
    yield Mode("forest", XGBRFRegressor(**XGB), m.Y, exact=True)
    yield Mode("forest", XGBRFClassifier(**XGB), m.Y_BINARY)
    yield Mode("forest", XGBRFClassifier(**XGB), m.Y_MULTI)
    yield Mode("base score", XGBRegressor(**XGB, base_score=0.3), m.Y, exact=True)
    yield Mode("base score", XGBClassifier(**XGB, base_score=0.3), m.Y_BINARY)
    if parse_version("3.1") <= XGBOOST:  # which takes one for each output
        vector = XGBRegressor(**XGB, base_score=[0.5, -1.0, 2.0])
        yield Mode("base scores", vector, m.Y_OUTPUTS, exact=True)
    for value in (0.0, -1.0, 0.1):
        model = XGBRegressor(**XGB, missing=value)
        yield Mode(f"missing={value}", model, m.Y, m.X, exact=True)
    parallel = {"num_parallel_tree": 3, "subsample": 0.5}
    yield Mode("parallel trees", XGBRegressor(**XGB, **parallel), m.Y, exact=True)
    yield Mode("parallel trees", XGBClassifier(**XGB, **parallel), m.Y_MULTI)
    stopped = {"early_stopping_rounds": 1, "learning_rate": 1.0, "n_estimators": 20}
    fit = {"eval_set": [(m.X_NAN[:30], -m.Y[:30])], "verbose": False}
    yield Mode("best iteration", XGBRegressor(**XGB | stopped), m.Y, fit=fit, exact=True)
    for strategy in ("one_output_per_tree", "multi_output_tree"):
        params = XGB | {"multi_strategy": strategy, "tree_method": "hist"}
        yield Mode(strategy, XGBRegressor(**params), m.Y_OUTPUTS, exact=True)
        yield Mode(strategy, XGBClassifier(**params), m.Y_LABELS)
        yield Mode(strategy, XGBClassifier(**params), m.Y_MULTI)
    typed = {"enable_categorical": True, "feature_types": ["c"] + ["q"] * 5}
    for name, most in (("one-hot", 100), ("partition", 1)):
        params = XGB | {"max_cat_to_onehot": most}
        coded = {"X": m.X_CODED, "coded": (0,)}
        yield Mode(f"{name} codes", XGBRegressor(**params, **typed), m.Y, exact=True, **coded)
        yield Mode(f"{name} codes", XGBClassifier(**params, **typed), m.Y_MULTI, **coded)
        framed = {"X": m.FRAME, "native": () if DMATRIX_OF_CATEGORIES else ("apply",)}
        params["enable_categorical"] = True
        yield Mode(f"{name} categories", XGBRegressor(**params), m.Y, exact=True, **framed)
        yield Mode(f"{name} categories", XGBClassifier(**params), m.Y_BINARY, **framed)
        for value in (0.0, 2.0, -1.0, 0.1):
            model = XGBRegressor(**params, missing=value)
            yield Mode(f"{name} categories, missing={value}", model, m.Y, exact=True, **framed)
    two = {"objective": "multi:softprob", "num_class": 2}
    yield Mode("softprob of two classes", XGBClassifier(**XGB, **two), m.Y_BINARY)


LGB = {"n_estimators": 4, "num_leaves": 7, "min_child_samples": 4, "n_jobs": 1, "verbose": -1}
OF_LIGHTGBM = {
    "regression": (LGBMRegressor, m.Y),
    "regression_l1": (LGBMRegressor, m.Y),
    "huber": (LGBMRegressor, m.Y),
    "fair": (LGBMRegressor, m.Y),
    "quantile": (LGBMRegressor, m.Y),
    "mape": (LGBMRegressor, m.Y_POSITIVE),
    "poisson": (LGBMRegressor, m.Y_COUNTS),
    "gamma": (LGBMRegressor, m.Y_POSITIVE),
    "tweedie": (LGBMRegressor, m.Y_COUNTS),
    "cross_entropy": (LGBMRegressor, m.Y_SHARE),
    "cross_entropy_lambda": (LGBMRegressor, m.Y_SHARE),
    "binary": (LGBMClassifier, m.Y_BINARY),
    "multiclass": (LGBMClassifier, m.Y_MULTI),
    "multiclassova": (LGBMClassifier, m.Y_MULTI),
    "lambdarank": (LGBMRanker, m.Y_MULTI),
    "rank_xendcg": (LGBMRanker, m.Y_MULTI),
}
IDENTITY = {"regression", "regression_l1", "huber", "fair", "quantile", "mape"}
IDENTITY |= {"lambdarank", "rank_xendcg"}
BOOSTING = {
    "gbdt": {},
    "dart": {"boosting_type": "dart", "drop_rate": 0.5},
    "rf": {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
    "goss": {"data_sample_strategy": "goss", "learning_rate": 0.5},
}


def of_lightgbm():
    for objective, (kind, y) in OF_LIGHTGBM.items():
        fit = {"group": [10] * 16} if kind is LGBMRanker else {}
        for name, params in BOOSTING.items():
            model = kind(**LGB | params, objective=objective)
            yield Mode(f"{name} {objective}", model, y, fit=fit, exact=objective in IDENTITY)
    yield Mode("sigmoid", LGBMClassifier(**LGB, sigmoid=2.5), m.Y_BINARY)
    ova = {"objective": "multiclassova", "sigmoid": 0.7}
    yield Mode("sigmoid", LGBMClassifier(**LGB, **ova), m.Y_TEXT)
    yield Mode("reg_sqrt", LGBMRegressor(**LGB, reg_sqrt=True), m.Y)
    whole = np.round(m.X_NAN)
    missing = [{}, {"zero_as_missing": True}, {"use_missing": False}]
    for params in missing:
        name = " ".join(params) or "NaN missing"
        yield Mode(name, LGBMRegressor(**LGB, **params), m.Y, whole, exact=True)
        yield Mode(f"{name}, none seen", LGBMRegressor(**LGB, **params), m.Y, m.X, exact=True)
        if "zero_as_missing" in params:
            continue  # with linear trees, which refuse it
        linear = LGBMRegressor(**LGB, **params, linear_tree=True)
        yield Mode(f"{name}, linear trees", linear, m.Y, exact=True)
    yield Mode("linear trees", LGBMClassifier(**LGB, linear_tree=True), m.Y_MULTI)
    fine = {"max_cat_to_onehot": 1, "min_data_per_group": 2, "cat_smooth": 1.0}
    for name, splits in (("one-hot", {"max_cat_to_onehot": 100}), ("subsets", fine)):
        by_code = {"X": m.X_CODED, "coded": (0,), "fit": {"categorical_feature": [0]}}
        for params in missing:
            model = LGBMRegressor(**LGB, **splits, **params)
            words = " ".join([name, "codes", *params])
            yield Mode(words, model, m.Y, exact=True, **by_code)
        yield Mode(f"{name} codes", LGBMClassifier(**LGB, **splits), m.Y_MULTI, **by_code)
        framed = {"X": m.FRAME, "exact": True}
        yield Mode(f"{name} categories", LGBMRegressor(**LGB, **splits), m.Y, **framed)
        yield Mode(f"{name} categories", LGBMClassifier(**LGB, **splits), m.Y_TEXT, X=m.FRAME)
    stopped = LGBMRegressor(**LGB | {"n_estimators": 20, "learning_rate": 1.0})
    fit = {"eval_set": [(m.X_NAN[:30], -m.Y[:30])], "callbacks": [early_stopping(1, verbose=False)]}
    yield Mode("best iteration", stopped, m.Y, fit=fit, exact=True)


MODES = [*of_scikit_learn(), *of_xgboost(), *of_lightgbm()]


@pytest.fixture(autouse=True)
def _what_only_sums_is_equal_to_1e_12(monkeypatch):
    monkeypatch.setitem(support.TOLERANCE, np.dtype(np.float64), 1e-12)


@pytest.mark.parametrize(
    "mode", MODES, ids=lambda mode: f"{type(mode.estimator).__name__} {mode.name}"
)
def test_mode(mode):
    fitted = fitted_quietly(mode.estimator, mode.X, mode.y, **mode.fit)
    for dtype in (np.float64, np.float32):
        for rows in m.rows_that_bite(mode, fitted, dtype):
            assert_answers_alike(fitted, rows, native=mode.native, exact=mode.exact)
            assert_answers_alike(fitted, rows[:5], native=mode.native, exact=mode.exact)


def test_every_objective_has_a_row():
    """The libraries' own lists are in compiled code; ours has what the converters know."""
    assert set(xgboost_links.LINKS) == {*OF_XGBOOST, "survival:aft"}
    # "" and "custom" are objectives of one's own.
    assert set(lightgbm_links.LINKS) == {*OF_LIGHTGBM, "", "custom"}


def compiled(fitted, rows, method="predict"):
    ours = TensorAccelerated(fitted, device="cpu")
    assert_same(getattr(ours, method)(rows), getattr(fitted, method)(rows))
    assert all(step.backend == "torch" for step in ours.explain(method).steps)
    return ours


def test_intervals_of_survival():
    """`survival:aft` is fitted by `xgboost.train` alone."""
    rows = xgboost.DMatrix(m.X_NAN)
    rows.set_float_info("label_lower_bound", m.Y_POSITIVE)
    rows.set_float_info("label_upper_bound", np.where(m.Y > 1, np.inf, m.Y_POSITIVE))
    booster = xgboost.train({"objective": "survival:aft", "max_depth": 3, "nthread": 1}, rows, 4)
    for form in ("json", "ubj"):
        fitted = XGBRegressor()
        fitted.load_model(booster.save_raw(form))
        compiled(fitted, m.X_NAN)


@pytest.mark.parametrize(
    ("estimator", "arguments"),
    [
        (XGBRegressor(**XGB), {"iteration_range": (0, 2)}),
        (XGBRegressor(**XGB), {"output_margin": True}),
        (LGBMRegressor(**LGB), {"num_iteration": 2}),
        (LGBMRegressor(**LGB), {"start_iteration": 1, "num_iteration": 2}),
        (LGBMRegressor(**LGB), {"raw_score": True}),
        (LGBMRegressor(**LGB), {"pred_leaf": True}),
        (LGBMRegressor(**LGB), {"pred_contrib": True}),
    ],
)
def test_arguments_go_to_the_native_method(estimator, arguments):
    fitted = fitted_quietly(estimator.set_params(objective=None), m.X_NAN, m.Y_POSITIVE)
    ours = TensorAccelerated(fitted, device="cpu")
    assert_same(ours.predict(m.X_NAN, **arguments), fitted.predict(m.X_NAN, **arguments))
    assert_same(ours.predict(m.X_NAN), fitted.predict(m.X_NAN), exact=True)


@pytest.mark.parametrize("kind", [*TREES, *FORESTS], ids=lambda kind: kind.__name__)
def test_paths_are_the_native_ones(kind):
    fitted = fitted_quietly(kind(random_state=0, max_depth=3), m.X_NAN, m.Y_MULTI)
    ours = TensorAccelerated(fitted, device="cpu")
    paths, native = ours.decision_path(m.X_NAN), fitted.decision_path(m.X_NAN)
    assert_same(paths, native, exact=True)


@pytest.mark.parametrize("kind", [*BOOSTED, *HISTOGRAM], ids=lambda kind: kind.__name__)
def test_stages_are_the_native_ones(kind):
    fitted = fitted_quietly(kind(), m.X, m.Y_MULTI)
    ours = TensorAccelerated(fitted, device="cpu")
    methods = [name for name in dir(fitted) if name.startswith("staged_")]
    assert "staged_predict" in methods
    for name in methods:
        assert_same(list(getattr(ours, name)(m.X)), list(getattr(fitted, name)(m.X)), exact=True)


@pytest.mark.parametrize("kind", [XGBRegressor, LGBMRegressor])
def test_a_bare_booster_is_refused_with_what_to_give_instead(kind):
    fitted = fitted_quietly(kind(**XGB if kind is XGBRegressor else LGB), m.X, m.Y)
    booster = fitted.get_booster() if kind is XGBRegressor else fitted.booster_
    with pytest.raises(TypeError, match=f"Booster: give the .*{kind.__name__}"):
        TensorAccelerated(booster).predict(m.X)

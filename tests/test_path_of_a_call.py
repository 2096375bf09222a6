"""From 1 to 64 rows a call enters no more than it has to: what runs is watched, not timed."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sktensor import TensorAccelerated

from .support import assert_same

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5))
X[::7, 1] = np.nan
Y = (X[:, 0] > 0).astype(int)
WORDS = np.array(["u", "v", "w"], object)[RNG.integers(0, 3, 300)]
TEXTS = {  # however pandas stores them, by itself or with pyarrow
    "text": pd.Series(WORDS, dtype=object),
    "kind": pd.Series(WORDS, dtype="category"),
    "str": pd.Series(WORDS, dtype="str"),  # objects before pandas 3
    "python": pd.Series(WORDS, dtype="string[python]"),
    "arrow": pd.Series(WORDS, dtype="string[pyarrow]"),
    "count": pd.Series(RNG.integers(0, 3, 300)),
}
if int(pd.__version__.split(".")[0]) >= 3:  # what "str" is where there is no pyarrow
    TEXTS["nan"] = pd.Series(WORDS, dtype=pd.StringDtype("python", na_value=np.nan))
FRAME = pd.DataFrame(X, columns=list("abcde")).assign(**TEXTS)
NUMBERS = make_pipeline(SimpleImputer(), StandardScaler())
FRONT = make_column_transformer(
    (NUMBERS, list("abcde")), (OneHotEncoder(handle_unknown="ignore"), list(TEXTS))
)
FINALS = [LogisticRegression(), RandomForestClassifier(10, random_state=0)]

# What a small call has no need of, by module and name.
AVOIDED = [
    "sklearn.utils.validation",  # check_is_fitted, check_array and the rest
    "sklearn.utils._tags",
    "sklearn.base",
    "sklearn.utils._param_validation",
    "torch.nn",  # the walk over modules, parameters and buffers
    "torch._ops",  # the dispatcher of custom ops
    "torch.library",
    "torch._library",
    "concurrent.futures",  # threads
    "threading",
    "sktensor.converters",
    "sktensor.passes",
    "sktensor.compiler",
    "narwhals",
]
OUR_THREADS = "share_rows"


def entered(call):
    """The functions that a call enters: of Python by module and name, of C by their own."""
    found: Counter[tuple[str, str]] = Counter()

    def watch(frame, event, argument):
        if event == "call":
            found[frame.f_globals.get("__name__", ""), frame.f_code.co_name] += 1
        elif event == "c_call":
            found[getattr(argument, "__module__", None) or "", argument.__name__] += 1

    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


def avoidable(found):
    return {
        (module, name)
        for module, name in found
        if any(module == a or module.startswith(f"{a}.") for a in AVOIDED) or name == OUR_THREADS
    }


@pytest.mark.parametrize("n_rows", [1, 7, 64])
@pytest.mark.parametrize("final", FINALS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("kind", ["array", "frame"])
def test_a_small_call_enters_nothing_avoidable(kind, final, n_rows):
    table, front = (X, NUMBERS) if kind == "array" else (FRAME, FRONT)
    pipe = make_pipeline(front, final).fit(table, Y)
    fast = TensorAccelerated(pipe, device="cpu")
    rows = table[:n_rows]
    for _ in range(2):  # the first call compiles, the second may load a kernel
        assert_same(fast.predict_proba(rows), pipe.predict_proba(rows))
    found = entered(lambda: fast.predict_proba(rows))
    assert ("sktensor.program.device", "few") in found  # it is our path that was watched
    assert not avoidable(found)
    if kind == "array":  # of which not even torch is called
        assert "torch" not in {module.partition(".")[0] for module, _ in found}


def test_what_is_to_be_avoided_is_noticed():
    """The native call, and that for many rows, enter what is listed."""
    pipe = make_pipeline(NUMBERS, FINALS[0]).fit(X, Y)
    native = avoidable(entered(lambda: pipe.predict_proba(X[:1])))
    assert ("sklearn.utils.validation", "check_is_fitted") in native
    assert any(module == "sklearn.utils._tags" for module, _ in native)
    fast = TensorAccelerated(pipe, device="cpu", batch_size=64)
    fast.predict_proba(X)
    assert ("sktensor.threads", OUR_THREADS) in avoidable(entered(lambda: fast.predict_proba(X)))
    program = fast._engine().program("predict_proba", X)
    by_torch = avoidable(entered(lambda: program._answer(X[:5], program._run)))
    assert any(module.startswith("torch.nn") for module, _ in by_torch)

"""The table of modes by the other kernels: those of cards, and plain torch where they are not.

Without a card Triton's interpreter runs the kernels on the CPU. Few rows go through each mode: what
kernels do with many is tested with made forests.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch

from sktensor.kernels import PackedForest, forest_torch, packed
from sktensor.ops import Leaves

from . import support
from . import tree_modes as m
from .support import assert_answers_alike, fitted_quietly
from .test_forest_cuda import DEVICE, INTERPRET, forest_cuda
from .test_tree_modes import MODES

pytestmark = [pytest.mark.cuda] if DEVICE.type == "cuda" else []
MOST_CUTS = 4  # of which each gives three rows
SAID = ("transform", "predict", "predict_proba", "score_samples", "apply")


@contextmanager
def quiet():
    """Without what NumPy says of the way that Triton's interpreter treats it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Conversion of an array", DeprecationWarning)
        yield


@pytest.fixture(params=["kernels of cards", "plain torch"])
def kind(request, monkeypatch):
    """Have forests answered by one kind of kernel; the classes of those that did."""
    for name, value in INTERPRET.items():
        monkeypatch.setenv(name, value)
    met = set()

    def place(forest, device):
        if request.param == "plain torch":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(packed, "packs", lambda device: False)
                found = forest.on(device)
        else:
            found = forest.on(device)
        met.add(type(found))
        return found

    def sums(self, x):
        with quiet():
            return place(self, DEVICE)(torch.tensor(x, device=DEVICE)).cpu().numpy()

    def leaves(self, x, *_):
        with quiet():
            on = self._packed._put_on(DEVICE, request.param != "plain torch")
            return on(x.to(DEVICE)).cpu()

    monkeypatch.setattr(PackedForest, "sums", sums)
    monkeypatch.setattr(PackedForest, "__call__", lambda self, x: torch.from_numpy(sums(self, x)))
    monkeypatch.setattr(Leaves, "forward", leaves)
    yield met
    plain = request.param == "plain torch"
    assert met <= {forest_torch.WalkedForest if plain else forest_cuda.CardForest}


@pytest.mark.parametrize(
    "mode", MODES, ids=lambda mode: f"{type(mode.estimator).__name__} {mode.name}"
)
def test_mode(mode, kind, monkeypatch):
    monkeypatch.setitem(support.TOLERANCE, np.dtype(np.float64), 1e-12)
    fitted = fitted_quietly(mode.estimator, mode.X, mode.y, **mode.fit)
    # What the others say is made of these.
    methods = [n for n in SAID if hasattr(fitted, n)]
    methods = [n for n in methods if n != "predict" or "predict_proba" not in methods]
    plain, zeros, missing, odd, *coded = m.rows_that_bite(mode, fitted, np.float64, MOST_CUTS)
    for batches in ([plain, zeros, *coded], [missing], [odd]):
        rows = pd.concat(batches) if mode.X is m.FRAME else np.vstack(batches)
        native = {"native": mode.native, "exact": mode.exact}
        assert_answers_alike(fitted, rows, methods=tuple(methods), **native)

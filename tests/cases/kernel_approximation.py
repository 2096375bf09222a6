"""Rows for `sklearn.kernel_approximation`."""

import numpy as np
from sklearn.kernel_approximation import (
    AdditiveChi2Sampler,
    Nystroem,
    RBFSampler,
    SkewedChi2Sampler,
)

from ..support import Case
from . import data as d

TURNED = {"native": ("transform",), "reason": "rounding turns them"}
IN_FLOAT32 = {"native": ("transform",), "reason": "float32", "dtypes": ("float32",)}

CASES = [
    Case(Nystroem(n_components=20, random_state=0)),
    Case(Nystroem(n_components=20, gamma=0.2, random_state=0)),
    Case(Nystroem(kernel="poly", n_components=5, degree=2, random_state=0)),
    Case(
        Nystroem(kernel="sigmoid", coef0=0.5, gamma=1e-2, n_components=5, random_state=0),
    ),
    Case(Nystroem(kernel="cosine", n_components=6, random_state=0)),
    Case(
        Nystroem(kernel="laplacian", n_components=20, random_state=0),
        native=("transform",),
        reason="another kind",
    ),
    Case(
        Nystroem(kernel="rbf", kernel_params={"gamma": 0.1}, n_components=20, random_state=0),
        native=("transform",),
        reason="parameters",
    ),
    *(
        Case(RBFSampler(gamma=gamma, n_components=n, random_state=0), probe=probe)
        for gamma, n, probe in (
            (1.0, 100, d.X * 30),
            ("scale", 7, (d.X * 10).astype(int)),
            (0.01, 1, d.X > 0),
        )
    ),
    Case(RBFSampler(random_state=0), d.X * 1e6, **TURNED),
    Case(RBFSampler(random_state=0), d.X, probe=np.vstack([d.X, 1e6 * d.X[:1]])),
    Case(RBFSampler(random_state=0), d.X.astype(np.float32), frame=False, **IN_FLOAT32),
    *(
        Case(SkewedChi2Sampler(skewedness=s, n_components=9, random_state=0), x, probe=probe)
        for s, x, probe in (
            (1.0, d.X_POSITIVE, (d.X_POSITIVE * 10).astype(int)),
            (0.25, d.X_POSITIVE, d.X),
            (8.1, d.X, np.full((2, 6), -8.1)),
            (8.1, d.X, np.nextafter(np.full((2, 6), -8.1), 0)),
        )
    ),
    Case(SkewedChi2Sampler(skewedness=np.float64(8.1), random_state=0), dtypes=("float64",)),
    Case(
        SkewedChi2Sampler(skewedness=np.float64(8.1), random_state=0),
        d.X.astype(np.float32),
        frame=False,
        **IN_FLOAT32,
    ),
]

ZEROS = np.where(d.X_POSITIVE > 2.0, 0.0, d.X_POSITIVE)
CASES += [
    *(
        Case(AdditiveChi2Sampler(sample_steps=steps), ZEROS, probe=d.X_POSITIVE * 1e6, exact=True)
        for steps in (1, 2, 3)
    ),
    Case(AdditiveChi2Sampler(sample_steps=4, sample_interval=0.3), ZEROS * 1e-300, exact=True),
    Case(AdditiveChi2Sampler(sample_interval=np.float64(0.7)), d.X_POSITIVE, probe=d.X, exact=True),
    Case(
        AdditiveChi2Sampler(),
        (ZEROS * 10).astype(int),
        native=("transform",),
        reason="whole numbers",
    ),
]

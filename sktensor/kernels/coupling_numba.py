"""Probabilities of classes from those of their pairs, a row at a time: Numba."""

from __future__ import annotations

from math import exp

import numpy as np

from .jit import compiled

LEAST = 1e-7  # probability of either class of a pair
CLOSE = 0.005  # over the number of classes: what rounds go on to
ROUNDS = 100  # at most, or as many as there are classes


@compiled(error_model="numpy")
def couple(scores, slopes, offsets, out):
    """Into out (n, k + 1): the k probabilities, and how clear it was after each round to go on.

    scores (n, k (k - 1) / 2) are those of the pairs (0, 1), (0, 2), ..., (k - 2, k - 1), each with
    its slope a and offset b: `r_ij = 1 / (1 + exp(a s + b))` is how probable i is, if it is i or j.
    Wanted is the p with the least `p' Q p` that adds up to 1, where `Q_ii = sum_j r_ji^2` and
    `Q_ij = -r_ji r_ij` (Wu, Lin and Weng, JMLR 5, 2004, algorithm 2). As in libsvm rounds end when
    no `(Q p)_i` is further from `p' Q p` than `CLOSE / k`: the last column is the least distance
    from that which any round had.
    """
    k = out.shape[1] - 1
    close, rounds = CLOSE / k, max(ROUNDS, k)
    r, q, qp = np.empty((k, k)), np.empty((k, k)), np.empty(k)
    for row in range(len(scores)):
        p = out[row]
        pair = 0
        for i in range(k):
            for j in range(i + 1, k):
                x = scores[row, pair] * slopes[pair] + offsets[pair]
                share = exp(-x) / (1 + exp(-x)) if x >= 0 else 1 / (1 + exp(x))
                r[i, j] = min(max(share, LEAST), 1 - LEAST)
                r[j, i] = 1 - r[i, j]
                pair += 1
        for i in range(k):
            p[i] = 1 / k
            q[i, i] = 0.0
            for j in range(k):
                if j != i:
                    q[i, i] += r[j, i] * r[j, i]
                    q[i, j] = -r[j, i] * r[i, j]
        p[k] = np.inf
        for _ in range(rounds):
            pqp = 0.0
            for i in range(k):
                qp[i] = 0.0
                for j in range(k):
                    qp[i] += q[i, j] * p[j]
                pqp += p[i] * qp[i]
            furthest = 0.0
            for i in range(k):
                furthest = max(furthest, abs(qp[i] - pqp))
            p[k] = min(p[k], abs(furthest - close))
            if furthest < close:
                break
            for i in range(k):
                step = (pqp - qp[i]) / q[i, i]
                p[i] += step
                pqp = (pqp + step * (step * q[i, i] + 2 * qp[i])) / (1 + step) / (1 + step)
                for j in range(k):
                    qp[j] = (qp[j] + step * q[i, j]) / (1 + step)
                    p[j] /= 1 + step

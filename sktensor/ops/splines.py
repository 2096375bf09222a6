"""The op of splines."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from .base import Op
from .elementwise import NEVER_FUSED


@dataclass(frozen=True, eq=False)
class Spline(Op):
    """The B-splines of each column, `n_splines` of them, in float64.

    From degree j - 1 to j, between knots a and b that are j apart, `B = B_left (x - a) / (b - a)
    + B_right (b' - x) / (b' - a')`, a quotient of equal knots being 0 (Cox and de Boor). Outside
    `low` and `high` it is `at_end + slope * (x - end)`, unless the outermost piece goes on or
    everything repeats.
    """

    x: Op
    knots: np.ndarray = field(repr=False)  # (x.width, n_knots)
    degree: int
    n_splines: int
    outside: str  # "line", "continue" or "periodic"
    ends: np.ndarray = field(repr=False)  # (2, x.width): low, high
    at_ends: np.ndarray = field(repr=False)  # (2, x.width, n_splines)
    slopes: np.ndarray = field(repr=False)  # (2, x.width, n_splines)

    @property
    def exact(self) -> bool:
        return NEVER_FUSED

    @property
    def width(self) -> int:
        return len(self.knots) * self.n_splines

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64

    def forward(
        self,
        x: Tensor,
        knots: Tensor,
        degree: int,
        n_splines: int,
        outside: str,
        ends: Tensor,
        at_ends: Tensor,
        slopes: Tensor,
    ) -> Tensor:
        x = x.to(torch.float64)
        low, high = ends
        if outside == "periodic":
            inside = low + (x - low).remainder(high - low)
        else:
            inside = x if outside == "continue" else x.clamp(low, high)
        inner = knots[:, degree + 1 : knots.shape[1] - degree - 1].contiguous()
        columns = inside.T.contiguous()
        at = torch.searchsorted(inner, columns, right=True) + degree
        pieces = _basis(columns, at, knots, degree)
        first = at.T[:, :, None] - degree
        places = (first + torch.arange(degree + 1, device=x.device)) % n_splines
        result = x.new_zeros(x.shape[0], x.shape[1], n_splines)
        result = result.scatter_add(2, places, torch.stack(pieces, dim=2).transpose(0, 1))
        if outside == "line":
            for end, beyond in enumerate((x < low, x > high)):
                line = at_ends[end] + (x - ends[end])[:, :, None] * slopes[end]
                result = torch.where(beyond[:, :, None], line, result)
        return result.reshape(x.shape[0], -1)


def _basis(x: Tensor, at: Tensor, knots: Tensor, degree: int) -> list[Tensor]:
    """The `degree + 1` splines that are not 0 between the knots at `at` and after it."""
    near = [knots.gather(1, at + k) for k in range(1 - degree, degree + 1)]

    def knot(k: int) -> Tensor:
        return near[k + degree - 1]

    splines = [torch.ones_like(x)]
    for j in range(1, degree + 1):
        raised = [torch.zeros_like(x)]
        for n, spline in enumerate(splines, 1):
            a, b = knot(n - j), knot(n)
            share = torch.where(a == b, 0.0, spline / (b - a))
            raised[-1] = raised[-1] + share * (b - x)
            raised.append(share * (x - a))
        splines = raised
    return splines

"""Compile the forest kernels for cards as they are launched, and print the names of those met.

    python -m tests.compiled_for_cards

Arguments are taken from launches that never happen, so what the host passes and what a kernel
takes are compared too. The answers are not looked at: there are none.
"""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import numpy as np
import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sktensor.kernels import PackedForest, PackedLeaves, forest_cuda, packed
from sktensor.kernels.forest_cuda import ranks

from .test_layouts import made_forest, with_sets

CAPABILITIES = (75, 90)
TYPES = {
    torch.int8: "*i8",
    torch.int16: "*i16",
    torch.int32: "*i32",
    torch.int64: "*i64",
    torch.float32: "*fp32",
    torch.float64: "*fp64",
}
NAMES = ("add_bitvectors", "add_found", "add_walks", "fill_classes", "fill_ranks")


class Launch:
    """Stands where a kernel does, and compiles it for what it is launched with."""

    done: set[Any] = set()  # noqa: RUF012

    def __init__(self, name: str):
        self.name, self.kernel = name, getattr(forest_cuda, name)

    def __getitem__(self, grid: Any) -> Any:
        return self.launch

    def launch(self, *args: Any, **constants: Any) -> None:
        options = {name: constants.pop(name) for name in forest_cuda.LAUNCH}
        names = self.kernel.arg_names[: len(args)]
        signature = {
            n: TYPES[a.dtype] if torch.is_tensor(a) else "i32" for n, a in zip(names, args)
        }
        name = "-".join(filter(None, (self.name, constants.get("LAYOUT"))))
        met = (name, *signature.values(), *constants.items())
        if met in self.done:
            return
        self.done.add(met)
        if "constants" in inspect.signature(ASTSource).parameters:  # up to 3.2
            source = ASTSource(self.kernel, signature=signature, constants=constants)
        else:
            signature |= dict.fromkeys(constants, "constexpr")
            source = ASTSource(self.kernel, signature=signature, constexprs=constants)
        for capability in CAPABILITIES:
            code = triton.compile(
                source, target=GPUTarget("cuda", capability, 32), options=options
            ).asm
            assert len(code["cubin"]) > 0
            # No product is there to be added to, so nothing may be rounded once instead of twice.
            assert "fma.rn" not in code["ptx"]


def main() -> None:
    for name in NAMES:
        setattr(forest_cuda, name, Launch(name))
    packed.packs = lambda device: True
    dtypes, trees = (np.float32, np.float64), ((3, 0.0), (6, 0.3), (7, 0.0), (16, 0.2))
    for dtype, tree, n_outputs, n_codes in itertools.product(dtypes, trees, (1, 2), (0, 5, 200)):
        compiled(*tree, dtype, n_outputs, n_codes)
    all_sizes = ranks.SIZES
    for skipped, tree, n_codes in itertools.product((1, 2), trees, (0, 200)):
        ranks.SIZES = all_sizes[skipped:]
        compiled(*tree, np.float64, 1, n_codes)
    print(*sorted({name for name, *_ in Launch.done}))


def compiled(depth: int, ragged: float, dtype: Any, n_outputs: int, n_codes: int) -> None:
    """Compile what a forest is summed up with, for many rows and for few."""
    arrays = made_forest(1, 4, depth, ragged, n_outputs, False, dtype, dtype)
    sets: tuple[np.ndarray, ...] = ()
    if n_codes:
        arrays, sets = with_sets(arrays, 1, n_codes, 2)
    rows = torch.from_numpy(np.zeros((3, 5), dtype))
    for forest_cuda.FEW in (0, 64):
        PackedForest(*arrays, *sets).on(torch.device("cpu"))(rows)
    PackedLeaves(*arrays[:-2], arrays[-1], *sets)(rows)


if __name__ == "__main__":
    main()

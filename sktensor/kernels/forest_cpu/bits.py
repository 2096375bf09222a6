"""An intrinsic that Numba lacks."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def _trailing_zeros(typingctx: Any, x: Any) -> Any:
    """The index of the lowest set bit of an unsigned integer, as a uint32."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        index = builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))
        return index if index.type.width == 32 else builder.trunc(index, ir.IntType(32))

    return types.uint32(x), codegen


trailing_zeros: Any = _trailing_zeros  # called without the context that Numba adds

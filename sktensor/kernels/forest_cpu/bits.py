"""Intrinsics that Numba lacks."""

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


@intrinsic
def _prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Have the line of the cache that an item is in brought near; an index may be any."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        data = context.make_array(array)(context, builder, args[0]).data
        at = builder.bitcast(builder.gep(data, [args[1]]), byte)
        # To be read, into the nearest cache, as data.
        builder.call(function, [at, *(ir.Constant(number, i) for i in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, index), codegen


prefetch: Any = _prefetch

"""Items of many dicts, looked at by Numba: a thousand take Python longer than answering a row."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .jit import compiled

WORTH_A_KERNEL = 16  # looks from which on it may be loaded


class Items:
    """What each of many dicts has under one key, and whether that is still the same object."""

    def __init__(self, dicts: list[dict[str, Any]], key: str):
        self._read, self._dicts = itemgetter(key), dicts
        self._were = list(map(self._read, dicts))  # kept alive, so that no other takes its place
        self._key = key  # best the very object that is in the dicts, which need then not be read
        self._looks = 0
        self._addresses: tuple[np.ndarray, np.uintp, np.ndarray] | None = None

    def unchanged(self) -> bool:
        """Whether every dict has the object that it had; False or a KeyError where one has none."""
        if self._addresses is None:
            self._looks += 1
            if self._looks > WORTH_A_KERNEL:
                dicts, were = (
                    np.array(list(map(id, a)), np.uintp) for a in (self._dicts, self._were)
                )
                self._addresses = dicts, np.uintp(id(self._key)), were
            return list(map(self._read, self._dicts)) == self._were
        return _are(*self._addresses)


@intrinsic
def _item(typingctx: Any, mapping: Any, key: Any) -> Any:
    """The address of the item of a dict, 0 where there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        function = _declared(builder.module, ir.FunctionType(pointer, [pointer, pointer]))
        found = builder.call(function, [builder.inttoptr(a, pointer) for a in args])
        return builder.ptrtoint(found, args[0].type)

    return types.uintp(types.uintp, types.uintp), codegen


item: Any = _item  # called without the context that Numba adds


def _declared(module: Any, kind: Any) -> Any:
    """Python's own function, which hands out no reference."""
    name = "PyDict_GetItemWithError"
    return module.globals.get(name) or ir.Function(module, kind, name)


@compiled(nogil=False)
def _are(dicts, key, items):
    """Whether each dict has, under the key, the item at the address given."""
    same = 0
    for i in range(len(dicts)):
        same += item(dicts[i], key) == items[i]
    return same == len(dicts)

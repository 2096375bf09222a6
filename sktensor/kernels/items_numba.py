"""Items of many dicts, looked at by Numba: a thousand take Python longer than answering a row."""

from __future__ import annotations

import ctypes
import sys
from operator import itemgetter
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .jit import compiled

WORTH_A_KERNEL = 16  # looks from which on it may be loaded
TAG = 24  # bytes from where a dict begins to the tag it gets anew at every write


class Items:
    """What each of many dicts has under one key, and whether that is still the same object."""

    def __init__(self, dicts: list[dict[str, Any]], key: str):
        self._read, self._dicts = itemgetter(key), dicts
        self._were = list(map(self._read, dicts))  # kept alive, so that no other takes its place
        self._key = key  # best the very object that is in the dicts, which need then not be read
        self._looks = 0
        self._addresses: tuple[np.ndarray, np.uintp, np.ndarray] | None = None
        self._tags: np.ndarray | None = None

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
        if not TAGGED:
            return _are(*self._addresses)
        dicts = self._addresses[0]
        if self._tags is not None and _are_tagged(dicts, self._tags):
            return True
        tags = _tags(dicts)  # first, so that what is written meanwhile is seen at the next look
        same = _are(*self._addresses)
        self._tags = tags if same else None
        return same


def keeps_tags() -> bool:
    """Whether this Python tags its dicts at every write (PEP 509), as CPython does up to 3.12."""
    known = sys.implementation.name == "cpython" and sys.version_info < (3, 13)
    if not known or (object.__basicsize__, dict.__basicsize__) != (16, 48):
        return False
    written: dict[str, int] = {}
    now = ctypes.c_uint64.from_address(id(written) + TAG)
    seen = [now.value]
    for write in (lambda: written.update(a=1), lambda: written.update(a=2), written.clear):
        write()
        seen.append(now.value)
    return len(set(seen)) == len(seen) and now.value == seen[-1]


TAGGED = keeps_tags()


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


@intrinsic
def _tag(typingctx: Any, mapping: Any) -> Any:
    """The tag of a dict at this address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.add(args[0], ir.Constant(args[0].type, TAG))
        return builder.load(builder.inttoptr(at, ir.IntType(64).as_pointer()))

    return types.uint64(types.uintp), codegen


tag: Any = _tag


@compiled(nogil=False)
def _tags(dicts):
    """What the tag of each dict is."""
    tags = np.empty(len(dicts), np.uint64)
    for i in range(len(dicts)):
        tags[i] = tag(dicts[i])
    return tags


@compiled(nogil=False)
def _are_tagged(dicts, tags):
    """Whether each dict has the tag that it had: a load each, none of which waits for another."""
    changed = np.uint64(0)
    for i in range(len(dicts)):
        changed |= tag(dicts[i]) ^ tags[i]
    return changed == 0


@compiled(nogil=False)
def _are(dicts, key, items):
    """Whether each dict has, under the key, the item at the address given."""
    same = 0
    for i in range(len(dicts)):
        same += item(dicts[i], key) == items[i]
    return same == len(dicts)

"""Numbers as people read them."""

from __future__ import annotations


def in_bytes(n: int) -> str:
    """A number of bytes, to three digits."""
    size = float(n)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.3g} {unit}"
        size /= 1000
    raise AssertionError(n)


def in_seconds(t: float | None) -> str:
    """A time, to three digits; empty where there is none."""
    if t is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if t >= size or unit == "µs":
            return f"{t / size:.3g} {unit}"
    raise AssertionError(t)

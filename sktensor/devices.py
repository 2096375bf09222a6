"""Which device a name means on this machine. Nothing here runs before the first answer."""

from __future__ import annotations

from typing import Any

import torch

KINDS = ("cpu", "cuda", "mps", "xpu")
CPU = torch.device("cpu")

# What a kind of device has no numbers of. Cards of Intel differ in it.
LACKS = {"mps": frozenset([torch.float64])}
NOTHING: frozenset[torch.dtype] = frozenset()

FORKED = "a forked process cannot use the card that its parent uses"
# What CUDA and HIP say when a card, or what this process has on it, is lost.
LOST = ("CUDA error", "HIP error", "CUDA driver error", "XPU error")
# Devices on which something has failed in such a way, and what was said.
_lost: dict[torch.device, str] = {}


def parse(device: str | torch.device) -> torch.device | None:
    """The device that is named, None for `"auto"`; ValueError for what names none."""
    if isinstance(device, str) and device == "auto":
        return None
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"{device!r} names no device") from error
    if found.type not in KINDS:
        raise ValueError(f"{device!r} is no device to compute on")
    return CPU if found.type == "cpu" else found


def best() -> torch.device:
    """A card, where torch can run on one, or else the CPU."""
    return settled(torch.device("cuda")) if not why_missing(torch.device("cuda")) else CPU


def settled(device: torch.device) -> torch.device:
    """The device with its number, as tensors name it."""
    if str(device) == "cuda":
        return torch.device("cuda", torch.cuda.current_device())
    if str(device) == "xpu":
        return torch.device("xpu", torch.xpu.current_device())
    return device


def of_rows(lie_on: torch.device, named: torch.device | None) -> torch.device:
    """The device that answers a tensor which lies on one that is not the CPU: that one.

    `named` is the device asked for, None for `"auto"`. ValueError where it is another, as for
    torch's own modules; a kind without a number means any of its kind.
    """
    if lie_on.type not in KINDS:
        raise ValueError(f"X lies on {lie_on}, where sktensor cannot answer")
    if named is None or named == lie_on or (named.type == lie_on.type and named.index is None):
        return lie_on
    if named.type == lie_on.type == "mps":  # of which there is one
        return lie_on
    raise ValueError(
        f"X lies on {lie_on}, and the device asked for is {str(named)!r}: move it, "
        f"X.to({str(named)!r}), or set device={str(lie_on)!r}, or 'auto' for wherever X lies"
    )


def lacks(device: torch.device) -> frozenset[torch.dtype]:
    """The dtypes of which the device has no numbers."""
    if device.type == "xpu":
        has = getattr(torch.xpu.get_device_properties(device), "has_fp64", True)
        return NOTHING if has else frozenset([torch.float64])
    return LACKS.get(device.type, NOTHING)


def processors(device: torch.device) -> int:
    """How many multiprocessors a CUDA card has."""
    return int(torch.cuda.get_device_properties(device).multi_processor_count)


def is_lost(device: torch.device, error: Exception) -> bool:
    """Whether an error means that nothing more runs on the device in this process.

    If so it is kept in mind, so that `why_missing` says so from now on. Other errors of a card are
    of one call, such as a launch that it refuses, and leave it as it was.
    """
    kind = getattr(torch, "AcceleratorError", RuntimeError)  # torch 2.8 and newer
    said = str(error)
    if device.type == "cpu" or isinstance(error, torch.OutOfMemoryError):
        return False
    if not isinstance(error, RuntimeError):
        return False
    says_so = said.startswith(LOST) or (kind is not RuntimeError and isinstance(error, kind))
    if not says_so and not (device.type == "cuda" and any(w in said for w in ("CUDA", "HIP"))):
        return False
    if device.type == "cuda" and (is_recording(device) or _still_answers(device)):
        return False
    _lost[device] = said.partition("\n")[0]
    return True


def is_recording(device: torch.device) -> bool:
    """Whether the caller records what he has a CUDA card do, when nothing can be waited for."""
    try:
        with torch.cuda.device(device):
            return torch.cuda.is_current_stream_capturing()
    except Exception:  # of a card that is lost, or of a build of torch without any
        return False


def _still_answers(device: torch.device) -> bool:
    try:
        torch.cuda.synchronize(device)
    except Exception:  # which differ from release to release
        return False
    return True


def why_missing(device: torch.device) -> str:
    """Why nothing can run on the device here; empty where it can."""
    why = ""
    if device.type == "cuda":
        why = _why_no_card(device)
    elif device.type == "mps":
        why = "" if torch.backends.mps.is_available() else "torch finds no Apple GPU"
    elif device.type == "xpu":
        why = _why_no_xpu(device)
    if not why and (said := _lost.get(settled(device))):
        why = f"it failed: {said}"
    return why


def _why_no_card(device: torch.device) -> str:
    if not torch.backends.cuda.is_built():
        return "this build of torch is for the CPU"
    if _is_forked(torch.cuda):
        return FORKED
    n = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= n:
        return f"torch finds {n} of its kind"
    if not _is_rocm() and not _is_built_for(torch.cuda.get_device_capability(device)):
        return "this build of torch is for other cards"
    return ""


def _why_no_xpu(device: torch.device) -> str:
    if _is_forked(torch.xpu):
        return FORKED
    n = torch.xpu.device_count() if torch.xpu.is_available() else 0
    return "" if (device.index or 0) < n else f"torch finds {n} of its kind"


def _is_forked(module: Any) -> bool:
    """Whether this is the forked child of a process that uses such cards.

    Asked before all else: there, that may fail, or wait for what the parent has. torch has no
    public name for it.
    """
    return bool(getattr(module, "_is_in_bad_fork", lambda: False)())


def _is_rocm() -> bool:
    return getattr(torch.version, "hip", None) is not None


def _is_built_for(capability: tuple[int, int]) -> bool:
    """Whether torch has code for such a card, `sm_86` or, to be finished there, `compute_80`."""
    major, minor = capability
    for arch in torch.cuda.get_arch_list():
        kind, _, number = arch.partition("_")
        digits = "".join(c for c in number if c.isdigit())
        built = (int(digits[:-1]), int(digits[-1]))
        if kind == "compute" and built <= (major, minor):
            return True
        if kind == "sm" and built[0] == major and built[1] <= minor:
            return True
    return False

"""Which device a name means on this machine. Nothing here runs before the first answer."""

from __future__ import annotations

import torch

KINDS = ("cpu", "cuda", "mps", "xpu")
CPU = torch.device("cpu")


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


def why_missing(device: torch.device) -> str:
    """Why nothing can run on the device here; empty where it can."""
    if device.type == "cuda":
        return _why_no_card(device)
    if device.type == "mps":
        return "" if torch.backends.mps.is_available() else "torch finds no Apple GPU"
    if device.type == "xpu":
        n = torch.xpu.device_count() if torch.xpu.is_available() else 0
        return "" if (device.index or 0) < n else f"torch finds {n} of its kind"
    return ""


def _why_no_card(device: torch.device) -> str:
    if not torch.backends.cuda.is_built():
        return "this build of torch is for the CPU"
    if torch.cuda._is_in_bad_fork():
        return "a forked process cannot use the card that its parent uses"
    n = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= n:
        return f"torch finds {n} of its kind"
    if not _is_rocm() and not _is_built_for(torch.cuda.get_device_capability(device)):
        return "this build of torch is for other cards"
    return ""


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

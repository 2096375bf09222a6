"""Answers from an exported estimator, with torch and NumPy alone."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

FORMAT = 1
BLOCK = 4096  # rows run together
NUMBERS = "iufb"
TENSORS = ".tensors.npz"


def load_exported(path: Any) -> Exported:
    """Load what :meth:`TensorAccelerated.export` wrote.

    Neither scikit-learn nor the code that the estimator was trained with is needed, and nothing is
    unpickled.

    Parameters
    ----------
    path : str or path
        The `.pt2` file; its `.json` lies beside it.

    Returns
    -------
    exported : Exported
        Answers the response methods that were exported.

    Raises
    ------
    FileNotFoundError
        If one of the two files is missing.
    ValueError
        If they are damaged, do not belong together, hold a pickle, or were written in another
        format.
    """
    path = Path(path)
    return Exported(read(path), _program(path))


class Exported:
    """The responses of an exported estimator.

    It has those of `predict`, `predict_proba`, `decision_function` and `transform` that the
    estimator has. Each takes an array of shape (n_samples, n_features) or a
    DataFrame, whose columns are found by name, and returns what the estimator returned for such
    rows: an array, or a list of them. Rows that only the estimator itself could answer, such as
    NaN where it allows none, are a ValueError; a label within rounding of a tie is a warning.

    Attributes
    ----------
    n_features_in_ : int
        How many columns it reads.
    feature_names_in_ : ndarray of str
        Their names, where they have some.
    classes_ : ndarray
        The labels, where it is a classifier.
    """

    def __init__(self, page: dict[str, Any], program: Any):
        self._page, self._program = page, program
        self.n_features_in_ = page["n_features"]
        if page["feature_names"] is not None:
            self.feature_names_in_ = np.array(page["feature_names"], dtype=object)
        if page["classes"] is not None:
            self.classes_ = _array(page["classes"]["values"], page["classes"]["dtype"])
        self._finders = [_finders(about) for about in page["inputs"]]

    def __getattr__(self, name: str) -> Any:
        page = self.__dict__.get("_page", {"methods": {}})
        if name in page["methods"]:
            return lambda X: self._answer(name, X)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._page["methods"]]

    def __repr__(self) -> str:
        return f"Exported({self._page['estimator']}: {', '.join(self._page['methods'])})"

    def _answer(self, method: str, X: Any) -> Any:
        feeds = [_feed(a, f, X, self._page) for a, f in zip(self._page["inputs"], self._finders)]
        n, about = len(X), self._page["methods"][method]
        blocks = [self._block(method, feeds, i, min(i + BLOCK, n)) for i in range(0, n, BLOCK)]
        if not blocks:
            raise ValueError(f"Found array with 0 sample(s) (shape={np.shape(X)})")
        found = []
        for i, output in enumerate(about["outputs"]):
            answer = np.concatenate([block[i] for block in blocks])
            if "labels" in output:
                answer = _array(output["labels"], output["dtype"])[answer]
            found.append(answer)
        if about["columns"]:
            together = np.empty((n, len(found)), found[0].dtype)
            for k, labels in enumerate(found):
                together[:, k] = labels
            return together
        return found if about["list"] else found[0]

    def _block(self, method: str, feeds: list[np.ndarray], lo: int, hi: int) -> list[np.ndarray]:
        """The arrays of one method's answer for some rows."""
        with torch.no_grad():
            tensors = [torch.from_numpy(np.ascontiguousarray(feed[lo:hi])) for feed in feeds]
            results = self._program(*tensors)
        n = self._page["n_outputs"]
        for flag, holds in zip(self._page["flags"], results[n:], strict=True):
            if method in flag["methods"] and not bool(holds):
                said = f"{method}: among rows {lo} to {hi - 1} are {flag['says']}"
                if not flag["tie"]:
                    raise ValueError(said)
                warnings.warn(said, UserWarning, stacklevel=4)
        return [results[o["at"]].numpy() for o in self._page["methods"][method]["outputs"]]


def read(path: Path) -> dict[str, Any]:
    """The page beside a program, after it was found to belong to it and to be whole."""
    beside = path.with_suffix(".json")
    for file in (path, beside):
        if not file.exists():
            raise FileNotFoundError(f"{file} is missing: an export is a .pt2 and a .json file")
    try:
        page = json.loads(beside.read_text(encoding="utf-8"))
        written = page["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{beside} is damaged: {error}") from error
    if written != FORMAT:
        raise ValueError(
            f"{beside} is of format {written}, and this sktensor reads {FORMAT}: export again"
        )
    if checksum(page) != page.get("checksum"):
        raise ValueError(f"{beside} is damaged: it has been changed since it was written")
    program = page["program"]
    if path.stat().st_size != program["bytes"] or digest(path) != program["sha256"]:
        raise ValueError(f"{path} is damaged, or {beside} belongs to another program")
    return page


def _program(path: Path) -> Any:
    """The program, if there is no pickle in it."""
    with zipfile.ZipFile(path) as archive:
        by_numpy = any(name.endswith(TENSORS) for name in archive.namelist())
        for item in archive.infolist():
            if item.filename.endswith((".pt", ".pkl")) and item.file_size:
                raise ValueError(f"{path} holds a pickle, {item.filename}: it is not loaded")
            if item.filename.endswith("_config.json") and b'"use_pickle": true' in archive.read(
                item
            ):
                raise ValueError(f"{path} holds pickled tensors: it is not loaded")
    try:
        with warnings.catch_warnings():
            # Some releases, 2.11 is one, warn of the bytes of the file, which nobody writes into.
            warnings.filterwarnings("ignore", "The given buffer is not writable", UserWarning)
            whole = _with_pickles(path) if by_numpy else path
            return torch.export.load(whole).module()
    except Exception as error:
        raise ValueError(
            f"torch {torch.__version__} cannot load {path}: {error}. Export again with this release"
        ) from error


def without_pickles(traced: Path, path: Path) -> None:
    """Write what torch has saved as `traced` to `path`, with tensors as NumPy writes them.

    Up to torch 2.8 an archive holds its tensors as pickles, and `torch.export.load` unpickles all
    that is in there; each becomes an `.npz`, which :func:`_with_pickles` turns back. The example
    that was traced is left out: nobody needs it.
    """
    with zipfile.ZipFile(traced) as given, zipfile.ZipFile(path, "w") as kept:
        for item in given.infolist():
            data, name = given.read(item), item.filename
            if "sample_inputs" in name or "example_inputs" in name:
                data = b""
            elif name.endswith(".pt"):
                found = torch.load(io.BytesIO(data), weights_only=True)
                arrays = {key: tensor.numpy(force=True) for key, tensor in found.items()}
                np.savez(plain := io.BytesIO(), **arrays)
                kept.writestr(zipfile.ZipInfo(name.removesuffix(".pt") + TENSORS), plain.getvalue())
                data = b""
            kept.writestr(zipfile.ZipInfo(name), data)


def _with_pickles(path: Path) -> io.BytesIO:
    """The archive as torch saved it, in memory: pickles made here, of tensors without any."""
    whole = io.BytesIO()
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(whole, "w") as made:
        known = set(given.namelist())
        for item in given.infolist():
            if item.filename.endswith(TENSORS):
                continue
            data, plain = given.read(item), item.filename.removesuffix(".pt") + TENSORS
            if item.filename.endswith(".pt") and plain in known:
                with np.load(io.BytesIO(given.read(plain)), allow_pickle=False) as arrays:
                    found = {name: torch.from_numpy(array) for name, array in arrays.items()}
                torch.save(found, pickled := io.BytesIO())
                data = pickled.getvalue()
            made.writestr(zipfile.ZipInfo(item.filename), data)
    whole.seek(0)
    return whole


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def dumps(page: dict[str, Any]) -> str:
    """A page as text, the same for the same page."""
    return json.dumps(page, indent=1, sort_keys=True, allow_nan=False)


def checksum(page: dict[str, Any]) -> str:
    """The SHA-256 of what a page says."""
    said = {name: value for name, value in page.items() if name != "checksum"}
    return hashlib.sha256(dumps(said).encode()).hexdigest()


def _value(value: Any) -> Any:
    return float(value["float"]) if isinstance(value, dict) else value


def _array(values: list[Any], dtype: str) -> np.ndarray:
    """Labels as the array they were."""
    found = np.empty(len(values), object)
    found[:] = [_value(v) for v in values]
    return found.astype(np.dtype("O") if dtype[-1] == "O" else np.dtype(dtype))


def _finders(about: dict[str, Any]) -> list[dict[Any, int]]:
    """For every column of codes, where each category is."""
    return [_positions([_value(v) for v in known]) for known in about.get("categories", [])]


def _positions(known: list[Any]) -> dict[Any, int]:
    return {"nan" if v != v else (isinstance(v, str), v): i for i, v in enumerate(known)}


def _position(value: Any, known: dict[Any, int]) -> int:
    if isinstance(value, float) and value != value:
        return known.get("nan", -1)
    try:
        return known.get((isinstance(value, str), value), -1)
    except TypeError:  # what no hash is made of is no category
        return -1


def _feed(
    about: dict[str, Any], finders: list[dict[Any, int]], X: Any, page: dict[str, Any]
) -> np.ndarray:
    """The columns that the program reads, as the numbers or codes that it reads."""
    columns = _columns(about["columns"], X, page)
    if "categories" not in about:
        return _numbers(columns, np.dtype(about["dtype"]))
    codes = np.empty((len(X), len(columns)), np.int64)
    for i, (column, known) in enumerate(zip(columns, finders, strict=True)):
        cells = np.asarray(column, dtype=object).tolist()
        codes[:, i] = [_position(cell, known) for cell in cells]
    if not about["may_miss"] and (codes < 0).any():
        names = page["feature_names"] or list(range(page["n_features"]))
        at = about["columns"][int((codes < 0).any(axis=0).argmax())]
        raise ValueError(f"Found unknown categories in column {names[at]!r}")
    return codes


def _columns(positions: list[int], X: Any, page: dict[str, Any]) -> list[Any]:
    """Some columns of an array, by position, or of a frame, by name."""
    n, names = page["n_features"], page["feature_names"]
    if hasattr(X, "columns") and names is not None:
        missing = [names[i] for i in positions if names[i] not in list(X.columns)]
        if missing:
            raise ValueError(f"columns are missing: {missing}")
        return [X[names[i]] for i in positions]
    X = np.asarray(X)
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead")
    if X.shape[1] != n:
        raise ValueError(f"X has {X.shape[1]} features, but {n} are expected as input")
    return [X[:, i] for i in positions]


def _numbers(columns: list[Any], dtype: np.dtype) -> np.ndarray:
    """Columns as one array of the dtype that the program was exported for."""
    out = np.empty((len(columns[0]) if columns else 0, len(columns)), dtype)
    for j, column in enumerate(columns):
        values = np.asarray(column)
        if values.dtype == object:
            values = values.astype(np.float64)
        if values.dtype.kind not in NUMBERS or not np.can_cast(values.dtype, dtype, "same_kind"):
            raise ValueError(f"{values.dtype} where the program was exported for {dtype}")
        if values.dtype.itemsize > dtype.itemsize and values.dtype.kind == "f":
            raise ValueError(f"{values.dtype} where the program was exported for {dtype}")
        out[:, j] = values
    return out

"""The command line: explain, verify, bench and convert a saved estimator."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from .estimator import TensorAccelerated
from .plan.measure import fastest
from .plan.units import in_seconds

OURS = ("sktensor.estimator.TensorAccelerated",)  # what a skops file may hold of ours
PICKLES = (".joblib", ".pkl", ".pickle")
METHODS = ("predict_proba", "predict", "transform", "decision_function", "score_samples")
SIZES = (1, 10, 100, 1_000, 10_000, 100_000)


class Refused(Exception):
    """Why a command cannot go on, in a sentence for whoever typed it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 1 for a difference, 2 for what is refused."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (Refused, OSError, ValueError, TypeError) as why:  # what scikit-learn refuses, too
        print(f"sktensor: {why}", file=sys.stderr)
    except Exception:  # a bug; 1 would say that answers differ
        traceback.print_exc()
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "sktensor", description="Answer with torch what a scikit-learn estimator would answer."
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(run: Any, about: str, data: str | None) -> argparse.ArgumentParser:
        found = commands.add_parser(run.__name__.strip("_"), help=about, description=about)
        found.set_defaults(run=run)
        found.add_argument("model", type=Path, help="a .joblib, .pkl or .skops file")
        if data is not None:
            found.add_argument("data", type=Path, nargs=data, help="a .parquet, .csv or .npy file")
        found.add_argument("--trust", action="store_true", help="load what can run any code")
        found.add_argument("--device", default="auto", help="where to run (auto)")
        return found

    explain = command(_explain, "Say what is compiled, what runs natively, and why.", "?")
    explain.add_argument("--method", help="one response method only")
    explain.add_argument("--html", type=Path, help="write the diagram to this file")
    verify = command(_verify, "Compare every compiled answer with the native one.", None)
    verify.add_argument("data", type=Path, help="a .parquet, .csv or .npy file")
    verify.add_argument("--rows", type=int, default=10_000, help="rows compared at most (10000)")
    bench = command(_bench, "Time native and compiled answers over batch sizes.", None)
    bench.add_argument("data", type=Path, help="a .parquet, .csv or .npy file")
    bench.add_argument("--method", help="the response method (the first there is)")
    bench.add_argument("--sizes", type=_sizes, default=SIZES, help="rows a call: 1,100,10000")
    bench.add_argument("--plot", type=Path, help="draw the times into this file")
    convert = command(_convert, "Write the compiled estimator.", None)
    convert.add_argument("to", type=Path, help="a .pt2 (an export), .joblib or .skops file")
    convert.add_argument("data", type=Path, nargs="?", help="rows that tell the dtypes")
    return parser


def _sizes(said: str) -> tuple[int, ...]:
    return tuple(int(n) for n in said.split(","))


def _explain(options: argparse.Namespace) -> int:
    ours = _load(options)
    X = None if options.data is None else _rows(options.data, ours)
    plan = ours.explain(options.method, X=X)
    print(plan)
    if options.html is not None:
        options.html.write_text(plan._repr_html_(), encoding="utf-8")
    return 0


def _verify(options: argparse.Namespace) -> int:
    ours = _load(options)
    parity = ours.verify(_rows(options.data, ours), n_rows=options.rows)
    print(parity)
    return 0 if parity else 1


def _bench(options: argparse.Namespace) -> int:
    ours = _load(options)
    X, native = _rows(options.data, ours), ours._answering
    method = options.method or next((m for m in METHODS if hasattr(ours, m)), None)
    if method is None or not hasattr(ours, method):
        raise Refused(f"{type(native).__name__} has no response method {method or ''}".rstrip())
    if not len(X):
        raise Refused(f"{options.data} has no rows")
    times = []
    print(f"{'rows':>9}  {'native':>9}  {'sktensor':>9}  ratio")
    for n in options.sizes:
        some = _safe_indexing(X, np.arange(n) % len(X))
        theirs, mine = (fastest(partial(getattr(e, method), some)) for e in (native, ours))
        times.append((n, theirs, mine))
        print(f"{n:>9,}  {in_seconds(theirs):>9}  {in_seconds(mine):>9}  {theirs / mine:.1f}×")
    if options.plot is not None:
        _plot(times, f"{type(native).__name__}.{method}", options.plot)
    return 0


def _plot(times: list[tuple[int, float, float]], title: str, path: Path) -> None:
    figure = _needed("matplotlib.figure").Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    n, native, ours = zip(*times, strict=True)
    axes.loglog(n, native, "o-", label="native")
    axes.loglog(n, ours, "o-", label="sktensor")
    axes.set(title=title, xlabel="rows a call", ylabel="seconds")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def _convert(options: argparse.Namespace) -> int:
    from .converters import Unsupported

    ours = _load(options)
    kind = options.to.suffix
    if kind == ".pt2":
        X = None if options.data is None else _rows(options.data, ours)
        try:
            ours.export(options.to, X)
        except Unsupported as why:
            hint = "" if X is not None else "; rows after its name would tell the columns' dtypes"
            raise Refused(f"{why}{hint}") from why
    elif kind == ".skops":
        _needed("skops.io").dump(ours, options.to)
    elif kind in PICKLES:
        _needed("joblib").dump(ours, options.to)
    else:
        raise Refused(f"{options.to} is neither .pt2 nor .joblib nor .skops")
    print(f"wrote {options.to}")
    return 0


def _load(options: argparse.Namespace) -> TensorAccelerated:
    """The estimator in a file, which is made to answer on the device asked for."""
    path = options.model
    if not path.exists():
        raise Refused(f"{path} is missing")
    if path.suffix == ".skops":
        model = _load_skops(path, options.trust)
    elif path.suffix in PICKLES:
        if not options.trust:
            raise Refused(
                f"loading {path} runs whatever code is in it: say --trust if you made it, or trust "
                "whoever did (a .skops file of what skops knows needs none)"
            )
        joblib = _needed("joblib")
        with _loading(path):
            model = joblib.load(path)
    else:
        raise Refused(f"{path} is neither .joblib nor .pkl nor .skops")
    if isinstance(model, TensorAccelerated):
        return model.set_params(device=options.device)
    return TensorAccelerated(model, device=options.device)


def _load_skops(path: Path, trust: bool) -> Any:
    io = _needed("skops.io")
    with _loading(path):
        unknown = [name for name in io.get_untrusted_types(file=path) if name not in OURS]
    if unknown and not trust:
        raise Refused(f"{path} holds types that skops does not know: {unknown}; say --trust")
    with _loading(path):
        return io.load(path, trusted=[*OURS, *unknown])


@contextmanager
def _loading(path: Path) -> Iterator[None]:
    """Whatever goes wrong is the file's: what is no pickle, and no archive, fails in many ways."""
    try:
        yield
    except Exception as error:
        raise Refused(f"{path} does not load: {error!r}") from error


def _rows(path: Path, ours: TensorAccelerated) -> Any:
    """The rows of a file: of a frame those columns that the estimator was fitted on."""
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    readers = {".parquet": "read_parquet", ".csv": "read_csv"}
    if path.suffix not in readers:
        raise Refused(f"{path} is neither .parquet nor .csv nor .npy")
    frame = getattr(_needed("pandas"), readers[path.suffix])(path)
    names = getattr(ours, "feature_names_in_", None)
    if names is None:
        width = getattr(ours, "n_features_in_", frame.shape[1])
        if frame.shape[1] != width:
            raise Refused(f"{path} has {frame.shape[1]} columns where {width} were fitted")
        return frame.to_numpy()
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise Refused(f"{path} lacks the columns {missing}")
    return frame[list(names)]


def _needed(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise Refused(f"this needs {name}: pip install {name}") from error

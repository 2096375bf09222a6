"""The back end: a graph as stages that alternate between the host and one torch module.

A host stage runs over all rows at once. A device stage runs in blocks of rows, so that what lies
between its ops never reaches full length; on the CPU blocks are small enough for the L2 cache and
shared out over threads, on a card their copies run beside the work. A handful of rows is answered
by NumPy on the CPU, all at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial, wraps
from itertools import groupby
from time import perf_counter
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from torch import Tensor

from ..cards import card_of
from ..cards.streaming import Streamed
from ..feeds import feed_of
from ..graph import to_device, to_host, walk
from ..ops import Input, Native, Numbers, Op, Provided, Retreat, is_table
from ..sizes import bytes_of
from ..table import Table, as_dense, row_count
from ..threads import WORTH_A_THREAD, settle, share_rows
from . import few_rows
from .device import GUARDED, DeviceStage
from .host import HostStage
from .memory import keep_what_is_freed

logger = logging.getLogger("sktensor")

L2_BYTES = 2**21  # what the widest result of a block may take
LEAST_ROWS, MOST_ROWS = 64, 2**14

Feed = Callable[[int, int], Any]
Run = Callable[["DeviceStage", dict[Op, Any], int], None]


def _apart(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method without gradients, and out of the inference mode that its caller may be in.

    Tensors made in that mode may be written into in no other, and so by no other thread.
    """
    plain = torch.no_grad()(method)

    @wraps(method)
    def apart(*args: Any) -> Any:
        if not torch.is_inference_mode_enabled():
            return plain(*args)
        with torch.inference_mode(False):
            return plain(*args)

    return apart


class Program:
    """An executable for one response: rows of one signature in, what the root says out.

    Raises Retreat where the rows are not what it was made for.
    """

    def __init__(self, root: Op, device: torch.device, batch_size: int | None = None):
        keep_what_is_freed()
        self.root, self.device, self.batch_size = root, device, batch_size
        self.input = next((op for op in walk(root) if isinstance(op, Input)), None)
        self.stages: list[HostStage | DeviceStage] = list(_stages(root, device))
        self._reads_table = self.input is not None and is_table(self.input)
        self._few_rows = self._most_few()
        self._only = None if self._reads_table else self._only_stage()
        self._by_row = _asks_by_row(root)
        only = self._only
        self._in_parts = only and self._few_rows and few_rows.is_narrow(only.ops, only.inputs)

    def _most_few(self) -> int:
        """Up to how many rows NumPy answers: torch's ops would wake threads, for milliseconds."""
        if self.device.type != "cpu":
            return 0
        stages = [stage for stage in self.stages if isinstance(stage, DeviceStage)]
        most = min((few_rows.most(s.ops, s.inputs) for s in stages), default=few_rows.FEW_ROWS)
        return min(most, self.batch_size or most)

    def _only_stage(self) -> DeviceStage | None:
        """The stage that reads the input and gives the answer, if one does all."""
        match self.stages:
            case [DeviceStage(inputs=[x], outputs=[answer]) as stage]:
                return stage if x is self.input and answer is self.root else None
        return None

    def __call__(self, X: Any, doubtful: list[np.ndarray] | None = None) -> Any:
        """The answer; the native method has to give that of rows whose numbers are in `doubtful`.

        Without such a list, Retreat is raised for these too.
        """
        if isinstance(X, Tensor):
            return self._answer(X.detach(), partial(self._run, stays=True))
        doubtful = doubtful if self._by_row else None
        if row_count(X) <= self._few_rows or self._in_parts:
            try:
                return self._by_numpy(X)
            except Retreat:  # torch can say of which rows
                if doubtful is None:
                    raise
        return to_host(self._answer(X, partial(self._run, doubtful=doubtful)))

    def _by_numpy(self, X: Any) -> Any:
        """The answer for a handful of rows, or for many in parts."""
        if self._only is None:
            return self._answer(X, self._run_few)
        settle()
        rows, n_rows, most = np.asarray(X), row_count(X), self._few_rows
        if n_rows <= most:
            return self._only.few([rows])[0]
        parts = (self._only.few([rows[i : i + most]])[0] for i in range(0, n_rows, most))
        return np.concatenate(list(parts))

    @_apart
    def _answer(self, X: Any, run: Run) -> Any:
        settle()
        results: dict[Op, Any] = {}
        for _ in self._through(X, run, results):
            pass
        answer = results[self.root]
        return answer.native() if isinstance(answer, Table) else answer

    def _through(
        self, X: Any, run: Run, results: dict[Op, Any]
    ) -> Iterator[HostStage | DeviceStage]:
        """The stages, each once it has filled in its results."""
        x = Table.of(X) if self._reads_table else X
        if self.input is not None:
            results[self.input] = x
        for stage in self.stages:
            if isinstance(stage, HostStage):
                stage.run(results)
            else:
                run(stage, results, row_count(x))
            yield stage

    def _run_few(self, stage: DeviceStage, results: dict[Op, Any], n_rows: int) -> None:
        """Fill in the stage's outputs by NumPy, all rows at once."""
        inputs = [
            op.block(results[op.x], 0, n_rows)
            if isinstance(op, Numbers) and op not in results
            else as_dense(results[op])
            for op in stage.inputs
        ]
        results.update(zip(stage.outputs, stage.few(inputs), strict=True))

    @_apart
    def timed(self, X: Any) -> list[tuple[float, int, int]]:
        """The seconds that each stage takes, the bytes it reads, and those it hands on."""
        results: dict[Op, Any] = {}
        found, n_rows = [], row_count(X)
        few = n_rows <= self._few_rows and not isinstance(X, Tensor)
        run = self._run_few if few else self._run
        start = perf_counter()
        for i, stage in enumerate(self._through(X, run, results)):
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            seconds = perf_counter() - start
            later = {x for s in self.stages[i + 1 :] for op in s.ops for x in op.inputs}
            handed_on = [op for op in stage.ops if op in later or op is self.root]
            read = sum(_size(op, results, n_rows) for op in _reads(stage))
            found.append((seconds, read, sum(_size(op, results, n_rows) for op in handed_on)))
            start = perf_counter()
        return found

    def _run(
        self,
        stage: DeviceStage,
        results: dict[Op, Any],
        n_rows: int,
        stays: bool = False,
        doubtful: list[np.ndarray] | None = None,
    ) -> None:
        """Fill in the stage's outputs, block by block; on a card they stay there if they may."""
        if self.device.type == "cpu":
            outputs = self._on_cpu(stage, results, n_rows, doubtful)
        else:
            outputs = self._on_card(stage, results, n_rows, stays)
        results.update(zip(stage.outputs, outputs, strict=True))

    def _on_cpu(
        self,
        stage: DeviceStage,
        results: dict[Op, Any],
        n_rows: int,
        doubtful: list[np.ndarray] | None,
    ) -> list[Tensor]:
        feeds = [self._feed(op, results) for op in stage.inputs]
        size = self._block_size(stage, n_rows)
        if n_rows <= size:
            return stage.block([feed(0, n_rows) for feed in feeds], doubtful)
        return _share(stage, feeds, n_rows, size, doubtful)

    def _on_card(
        self, stage: DeviceStage, results: dict[Op, Any], n_rows: int, stays: bool
    ) -> list[Tensor]:
        feeds = [feed_of(op, results, self.device) for op in stage.inputs]
        try:
            outputs = self._streamed[stage](feeds, n_rows, stays)
        except torch.OutOfMemoryError as error:
            logger.warning("the card has no memory left for a row: %s", error)
            raise Retreat("the card has no memory left") from error
        if outputs is None:
            raise Retreat(GUARDED)
        return outputs

    @cached_property
    def _streamed(self) -> dict[DeviceStage, Streamed]:
        """The stages as they run on a card."""
        card = partial(card_of, self.device)
        return {
            stage: Streamed(card, stage.checked, stage.shapes, stage.bytes_alive, self.batch_size)
            for stage in self.stages
            if isinstance(stage, DeviceStage)
        }

    def _block_size(self, stage: DeviceStage, n_rows: int) -> int:
        """Rows run together: few enough for the cache, and as many blocks for every thread."""
        if self.batch_size is not None:
            return self.batch_size
        size = int(np.clip(L2_BYTES // stage.bytes_a_row, LEAST_ROWS, MOST_ROWS))
        if n_rows > 2 * LEAST_ROWS and n_rows * stage.cost > WORTH_A_THREAD:
            threads = torch.get_num_threads()
            rounds = -(-n_rows // (size * threads))
            shares = -(-n_rows // (rounds * threads))
            size = min(size, -(-shares // LEAST_ROWS) * LEAST_ROWS)
        return size

    def _feed(self, op: Op, results: dict[Op, Any]) -> Feed:
        """How to get rows `lo` to `hi` of a result as a tensor."""
        if isinstance(op, Numbers) and op not in results:
            table = results[op.x]
            return lambda lo, hi: to_device(op.block(table, lo, hi))
        whole = results[op]
        if issparse(whole):
            whole = whole.tocsr()  # the format that gives rows, each block's made dense
        return lambda lo, hi: to_device(whole[lo:hi])

    def __str__(self) -> str:
        return "\n".join(map(str, self.stages))


def _share(
    stage: DeviceStage,
    feeds: list[Feed],
    n_rows: int,
    size: int,
    doubtful: list[np.ndarray] | None,
) -> list[Tensor]:
    """The stage's outputs, their blocks shared out over threads."""
    outputs = [
        torch.empty(
            (n_rows,) if op.width is None else (n_rows, op.width), dtype=op.dtype, device="cpu"
        )
        for op in stage.outputs
    ]

    def task(lo: int, hi: int) -> None:
        blocks = stage.block([feed(lo, hi) for feed in feeds], doubtful, lo)
        for op, output, block in zip(stage.outputs, outputs, blocks, strict=True):
            if block.dtype != output.dtype or block.shape[1:] != output.shape[1:]:
                raise AssertionError(f"{op} is {block.dtype} {tuple(block.shape)}")
            output[lo:hi] = block

    share_rows(task, n_rows, size)
    return outputs


def _reads(stage: HostStage | DeviceStage) -> set[Op]:
    """The ops of other stages that a stage reads, and the input."""
    return {x for op in stage.ops for x in op.inputs} - set(stage.ops)


def _size(op: Op, results: dict[Op, Any], n_rows: int) -> int:
    """The bytes of a result; a cell of a table, or of an array not yet made, as 8 or its dtype."""
    nbytes = getattr(results.get(op), "nbytes", None)
    if isinstance(nbytes, int):
        return nbytes
    return n_rows * bytes_of(op)


def _asks_by_row(root: Op) -> bool:
    """Whether some guard need not hold for all rows.

    A native step may look at all of them, so that some alone are others to it.
    """
    ops = list(walk(root))
    alone = any(isinstance(op, Provided) and op.alone for op in ops)
    return alone and not any(isinstance(op, Native) for op in ops)


def _stages(root: Op, device: torch.device) -> Iterable[HostStage | DeviceStage]:
    """The ops of each side, as far as they can run before the other side must."""
    order = list(walk(root))
    read_by_host = {x for op in order if op.on_host for x in op.inputs} | {root}
    lazy = {op for op in order if isinstance(op, Numbers) and op not in read_by_host}
    turn: dict[Op, int] = {}
    for op in order:
        turn[op] = max((turn[x] + (x.on_host != op.on_host) for x in op.inputs), default=0)
        if not op.inputs and not op.on_host:
            turn[op] = 1
    ops = [op for op in order if not isinstance(op, Input) and op not in lazy]
    for _, group in groupby(sorted(ops, key=turn.__getitem__), key=turn.__getitem__):
        stage = list(group)
        if stage[0].on_host:
            yield HostStage(stage, root)
        else:
            here = set(stage)
            later = {x for op in order if op not in here for x in op.inputs} | {root}
            yield DeviceStage(stage, later, device.type != "cpu").to(device)

"""The largest scores of each row among many, and distances to the rows they belong to: Numba."""

from __future__ import annotations

from .jit import compiled

STEP = 8  # scores that are looked at together, by a vector of the CPU


@compiled(fastmath={"nnan", "nsz"})
def keep_largest(scores, first, best, found):
    """Of each row the k largest scores so far, largest first, and the columns that have them.

    scores (n, n_columns) are those of the columns from `first` on; best and found (n, k) are
    written into. Of equal ones the first is kept. Once some hundred have been seen, few are larger
    than the k-th of them: `STEP` are asked at once.
    """
    n_columns, k = scores.shape[1], best.shape[1]
    whole = n_columns - n_columns % STEP
    for i in range(scores.shape[0]):
        row, top, at = scores[i], best[i], found[i]
        for j in range(0, whole, STEP):
            most = row[j]
            for column in range(1, STEP):
                most = max(most, row[j + column])
            if most > top[k - 1]:
                _insert(row, j, j + STEP, first, top, at)
        _insert(row, whole, n_columns, first, top, at)


@compiled(fastmath={"nnan", "nsz"})
def _insert(row, begin, end, first, top, at):
    """Those of some scores of a row that are among its largest, where they belong."""
    k = len(top)
    for column in range(begin, end):
        value = row[column]
        if value > top[k - 1]:
            place = k - 1
            while place > 0 and top[place - 1] < value:
                top[place] = top[place - 1]
                at[place] = at[place - 1]
                place -= 1
            top[place] = value
            at[place] = first + column


@compiled(fastmath={"reassoc", "contract"})
def squares(x, rows, numbers, out):
    """`|x_i - rows[numbers[i, j]]|^2` into out (n, k)."""
    for i in range(numbers.shape[0]):
        for j in range(numbers.shape[1]):
            other, total = rows[numbers[i, j]], 0.0
            for column in range(x.shape[1]):
                difference = x[i, column] - other[column]
                total += difference * difference
            out[i, j] = total

"""Missing values of a row filled from the fixed rows nearest to it: Numba."""

from __future__ import annotations

import numpy as np

from .jit import compiled

CHUNK = 512  # fixed rows whose squares stay in the fastest cache
STEP = 8  # squares that are looked at together, by a vector of the CPU
LARGEST = 1e290  # of a sum of squares: beyond, others may overflow
LEAST = 1e-290  # that a square is taken to be off by, for what is too small for a float
LINEAR = 1e3  # times what it is off by that a square must be for its root to be off by half of that
USUAL = 0.125  # of what sums may be off by at most, all roundings one way, what they are off by


@compiled(error_model="numpy")
def fill(x, columns, holed, empty, norms, means, count, slack, seen, goes_on, out):
    """The rows of x with what is NaN filled, and last 1 where no other choice can be meant, or 0.

    x (n, width), columns (width, n_fixed), holed and empty (width,) bool, norms (n_fixed,) are the
    squared lengths of the fixed rows, means (width,) what is filled in where nothing is known;
    seen is the part of a mean that may be off, 0 for all weights alike. Into out (n, width + 1), of
    which rows after one in doubt are 0 unless it `goes_on`.
    """
    width, n = columns.shape
    squares, known = np.empty(n), np.empty(n)
    top, at = np.empty(min(count, n)), np.empty(min(count, n), np.int64)
    longest = norms.max()
    for i in range(x.shape[0]):
        row, filled = x[i], out[i]
        if i > 0 and not goes_on and out[i - 1, width] == 0:
            out[i:] = 0.0
            return
        n_missing, length = 0, 0.0
        for column in range(width):
            value = row[column]
            if value == value:
                length += value * value
            elif not empty[column]:
                n_missing += 1
            filled[column] = means[column] if empty[column] else value
        filled[width] = 1.0
        if n_missing == 0:
            continue
        if not length + longest < LARGEST:
            filled[width] = 0.0
            continue
        _measure(row, columns, holed, squares, known)
        for column in range(width):
            if row[column] == row[column] or empty[column]:
                continue
            values = columns[column]
            found = _nearest(squares, values, top, at)
            if found == 0:
                filled[column] = means[column]
                continue
            most = slack * width  # what one unit of length moves a square by, of one column known
            if found == len(at) and not _certain(
                squares, values, known, norms, length, longest, most, top, at
            ):
                filled[width] = 0.0
            if seen == 0:
                total = 0.0
                for j in range(found):
                    total += values[at[j]]
                filled[column] = total / found
                continue
            mean, well = _weighted(values, known, norms, length, most, top[:found], at, seen)
            filled[column] = mean
            if not well:
                filled[width] = 0.0


@compiled(error_model="numpy")
def squares_of(x, columns, holed):
    """The squared distances of rows of x from the fixed ones (n, n_fixed)."""
    squares, known = np.empty((len(x), columns.shape[1])), np.empty(columns.shape[1])
    for i in range(len(x)):
        _measure(x[i], columns, holed, squares[i], known)
    return squares


@compiled(fastmath={"contract"}, error_model="numpy")
def _measure(row, columns, holed, squares, known):
    """Squares of distances over what both have, as if all were known, and how many those are."""
    width, n = columns.shape
    for begin in range(0, n, CHUNK):
        end = min(n, begin + CHUNK)
        some, counts = squares[begin:end], known[begin:end]
        some[:] = 0.0
        counts[:] = 0.0
        always = 0
        for column in range(width):
            value, others = row[column], columns[column, begin:end]
            if value != value:
                continue
            if holed[column]:
                for j in range(end - begin):
                    apart = value - others[j]
                    there = apart == apart
                    some[j] += apart * apart if there else 0.0
                    counts[j] += 1.0 if there else 0.0
            else:
                always += 1
                for j in range(end - begin):
                    apart = value - others[j]
                    some[j] += apart * apart
        for j in range(end - begin):
            counts[j] += always
            some[j] = some[j] / counts[j] * width if counts[j] > 0 else np.inf


@compiled(error_model="numpy")
def _nearest(squares, values, top, at):
    """How many donors there are, up to as many as are asked for; their squares and numbers."""
    n, k, found = len(squares), len(top), 0
    top[:] = np.inf
    limit = np.inf
    whole = n - n % STEP
    for begin in range(0, n, STEP):
        end = min(n, begin + STEP)
        if begin < whole and not _least(squares, begin) < limit:
            continue
        for j in range(begin, end):
            square = squares[j]
            if square < limit and values[j] == values[j]:
                place = min(found, k - 1)
                found = min(found + 1, k)
                while place > 0 and top[place - 1] > square:
                    top[place] = top[place - 1]
                    at[place] = at[place - 1]
                    place -= 1
                top[place] = square
                at[place] = j
                limit = top[k - 1]
    return found


@compiled(error_model="numpy")
def _least(squares, begin):
    """The least of the next `STEP` squares."""
    least = squares[begin]
    for j in range(1, STEP):
        least = min(least, squares[begin + j])
    return least


@compiled(error_model="numpy")
def _certain(squares, values, known, norms, length, longest, most, top, at):
    """Whether all donors that may be among the nearest, or may not, have the same value.

    Of squares that are each off by up to `off`, others may be among the k nearest where they are
    no further than the farthest of those by what both are off, and take the place of those that
    are as close to them.
    """
    n, k = len(squares), len(top)
    reach = 0.0
    for j in range(k):
        reach = max(reach, top[j] + _off(most, length, norms[at[j]], known[at[j]]))
    loosely = reach + most * (length + longest) + LEAST
    nearest_other, rivals, shared = np.inf, 0, 0.0
    whole = n - n % STEP
    for begin in range(0, n, STEP):
        end = min(n, begin + STEP)
        if begin < whole and not _least(squares, begin) <= loosely:
            continue
        for j in range(begin, end):
            value = values[j]
            if value != value or not squares[j] <= loosely:
                continue
            lowest = squares[j] - _off(most, length, norms[j], known[j])
            chosen = False
            for other in at:
                chosen |= other == j
            if chosen or lowest > reach:
                continue
            if rivals and value != shared:
                return False
            rivals, shared = 1, value
            nearest_other = min(nearest_other, lowest)
    if rivals:
        for j in range(k):
            highest = top[j] + _off(most, length, norms[at[j]], known[at[j]])
            if highest >= nearest_other and values[at[j]] != shared:
                return False
    return True


@compiled(error_model="numpy")
def _off(most, length, norm, known):
    """By how much a square may be off, of two, that come of `|x|^2 + |s|^2 - 2 x s`."""
    return most * (length + norm) / known + LEAST


@compiled(error_model="numpy")
def _weighted(values, known, norms, length, most, top, at, seen):
    """The mean by `1 / distance`, and whether it is off by no more than the part `seen` of it."""
    weights = total = size = 0.0
    for j in range(len(top)):
        weight = 1 / np.sqrt(top[j]) if top[j] > 0 else 0.0
        weights += weight
        total += weight * values[at[j]]
        size += weight * abs(values[at[j]])
    same = True
    for j in range(len(top)):
        same &= values[at[j]] == values[at[0]]
    if same:
        return values[at[0]], True
    mean, moved = total / weights, 0.0
    for j in range(len(top)):
        off = USUAL * _off(most, length, norms[at[j]], known[at[j]])
        if not top[j] > LINEAR * off:
            return mean, False
        moved += off / (2 * top[j] * np.sqrt(top[j])) * abs(values[at[j]] - mean)
    return mean, moved <= seen * size

"""What runs on the card: functions in Triton, each for `ROWS` rows at a time."""

import triton
import triton.language as tl

# Triton compiles a kernel anew for a number that is 1, or one that 16 divides. Rows come in any
# number, and nothing here is faster for knowing.
OF_ROWS = {"do_not_specialize": ["n_rows"]}


# Rows and columns are counted in 64 bits: five million rows of a thousand columns are more than 31.
@triton.jit(do_not_specialize=["n_rows", "steps"])
def fill_ranks(
    bits,
    row_step,
    column_step,
    n_rows,
    source,
    nan_low,
    first,
    table,
    steps,
    n_plain,
    keys,
    n_columns,
    n_groups,
    INFINITY: tl.constexpr,
    TOP: tl.constexpr,
    SHIFT: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """`keys[row, column]` is how many thresholds of the column are below the value's key.

    Keys are those of `packing.fill_tile`. The search halves what is left, `steps` times.
    """
    program = tl.program_id(0)
    row = (program // n_groups).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = (program % n_groups).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS)
    known = column < n_plain
    inside = (row < n_rows)[:, None] & known[None, :]
    read = tl.load(source + column, mask=known, other=0)
    low = tl.load(nan_low + column, mask=known, other=0) != 0
    begin = tl.load(first + column, mask=known, other=0)
    size = (tl.load(first + column + 1, mask=known, other=0) - begin).to(tl.int32)
    at = row[:, None] * row_step + read[None, :] * column_step
    seen = tl.load(bits + at, mask=inside, other=0)
    key = seen ^ ((seen >> SHIFT) & TOP)
    end = tl.where(low, -TOP - 1, TOP).to(key.dtype)
    key = tl.where((seen & TOP) > INFINITY, end[None, :], key)
    rank = tl.full((ROWS, COLUMNS), 0, tl.int32)
    span = 1 << steps
    for _ in range(steps):
        span = span // 2
        further = rank + span
        there = further <= size[None, :]
        last = tl.load(table + begin[None, :] + (further - 1), mask=there, other=0)
        rank = tl.where(there & (last < key), further, rank)
    # Rows that are only there to fill a block are written too, so that no walk has to ask.
    at = _first_key(row, n_columns, BLOCK)[:, None] + column[None, :] * BLOCK
    tl.store(keys + at, rank.to(keys.dtype.element_ty), mask=known[None, :])


@triton.jit(**OF_ROWS)
def fill_classes(
    x,
    row_step,
    column_step,
    n_rows,
    source,
    size,
    first,
    table,
    n_plain,
    keys,
    n_columns,
    n_coded,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """`keys[row, n_plain + column]` is the class of a value, as `coded.class_of` finds it."""
    program = tl.program_id(0)
    row = (program // n_coded).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = (program % n_coded).to(tl.int64)
    at = row * row_step + tl.load(source + column) * column_step
    seen = tl.load(x + at, mask=row < n_rows, other=0.0).to(tl.float64)
    n_codes = tl.load(size + column)
    known = (seen > -1.0) & (seen < n_codes.to(tl.float64))
    code = tl.where(known, seen, 0.0).to(tl.int64)
    code = tl.where(known, code, n_codes + (seen != seen).to(tl.int64))
    found = tl.load(table + tl.load(first + column) + code)
    at = _first_key(row, n_columns, BLOCK) + (n_plain + column) * BLOCK
    tl.store(keys + at, found.to(keys.dtype.element_ty))


@triton.jit
def _first_key(row, n_columns, BLOCK: tl.constexpr):
    """Where a row's key of column 0 is: `keys[row // BLOCK, column, row % BLOCK]`."""
    return row // BLOCK * BLOCK * n_columns + row % BLOCK


@triton.jit
def _is_above(lane, word, SHIFT: tl.constexpr):
    """Whether each row's rank is above that in the word, in the column whose place is below it."""
    seen = tl.load(lane + (word & ((1 << SHIFT) - 1)))
    return (seen.to(word.dtype) << SHIFT) > word


@triton.jit
def _lowest_bit_32(bits):
    """The position of the one bit that is set: the exponent of the float it is."""
    return ((bits.to(tl.float32).to(tl.int32, bitcast=True) >> 23) & 255) - 127


@triton.jit(**OF_ROWS)
def add_bitvectors(
    keys,
    n_columns,
    n_rows,
    begin,
    end,
    first,
    node,
    mask,
    coded_first,
    coded_column,
    coded_at,
    coded_mask,
    words,
    leaf,
    out,
    n_outputs,
    n_groups,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
    OUTPUTS: tl.constexpr,
    VECTOR: tl.constexpr,
    SHIFT: tl.constexpr,
    WIDTH: tl.constexpr,
    SPLITS: tl.constexpr,
    PAIRED: tl.constexpr,
    CODED: tl.constexpr,
):
    """`out[row] += leaf[tree, lowest bit alive]`, as `forest_cpu.bitvector` has it.

    Of a tree's splits, `SPLITS` at a time are asked side by side.
    """
    program = tl.program_id(0)
    group = program % n_groups
    row = (program // n_groups).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    lane = keys + _first_key(row, n_columns, BLOCK)
    output = group * OUTPUTS + tl.arange(0, OUTPUTS)
    asked = (row < n_rows)[:, None] & (output < n_outputs)[None, :]
    total = tl.full((ROWS, OUTPUTS), 0, out.dtype.element_ty)
    for t in range(tl.load(begin + group), tl.load(end + group)):
        alive = tl.full((ROWS,), -1, mask.dtype.element_ty)
        for some in range(tl.load(first + t), tl.load(first + t + 1), SPLITS):
            for k in tl.static_range(SPLITS):
                if PAIRED:  # both are read at once
                    both = tl.load(node + some + k)
                    word, struck = both.to(tl.int32), (both >> 32).to(tl.int32)
                else:
                    word, struck = tl.load(node + some + k), tl.load(mask + some + k)
                alive = tl.where(_is_above(lane, word, SHIFT), alive & struck, alive)
        if CODED:
            for k in range(tl.load(coded_first + t), tl.load(coded_first + t + 1)):
                seen = tl.load(lane + tl.load(coded_column + k) * BLOCK).to(tl.int32)
                word = tl.load(words + tl.load(coded_at + k) + (seen >> 5))
                standing = alive & tl.load(coded_mask + k)
                alive = tl.where(((word >> (seen & 31)) & 1) == 0, standing, alive)
        lowest = alive & -alive
        if WIDTH == 32:
            found = _lowest_bit_32(lowest)
        else:
            low, high = lowest.to(tl.int32), (lowest >> 32).to(tl.int32)
            found = tl.where(low != 0, _lowest_bit_32(low), 32 + _lowest_bit_32(high))
        at = _leaf_at(found, output, n_outputs, VECTOR)
        width = WIDTH * n_outputs if VECTOR else WIDTH
        total += tl.load(leaf + t * width + at, mask=asked, other=0)
    tl.store(out + row[:, None] * n_outputs + output[None, :], total, mask=asked)


@triton.jit
def _leaf_at(found, output, n_outputs, VECTOR: tl.constexpr):
    """Where the values of leaves are, (ROWS, OUTPUTS)."""
    if VECTOR:
        at = found[:, None] * n_outputs + output[None, :]
    else:
        at = found[:, None] + output[None, :] * 0
    return at


@triton.jit
def _child(
    node,
    at,
    lane,
    n_plain,
    words,
    LAYOUT: tl.constexpr,
    SHIFT: tl.constexpr,
    BLOCK: tl.constexpr,
    SETS: tl.constexpr,
):
    """The child of a tree's nodes that each row goes on to; a linked leaf goes on to itself."""
    if LAYOUT == "perfect":
        child = 2 * at + _is_above(lane, tl.load(node + at), SHIFT).to(tl.int32)
    elif LAYOUT == "narrow":
        there = tl.load(node + at)
        low = there.to(tl.int32)
        link = low & 0x1FFFFF
        seen = tl.load(lane + ((low >> 21) & 0x7FF) * BLOCK)
        right = seen > (there >> 32).to(tl.int32)
        child = tl.where(link != 0x1FFFFF, link + right.to(tl.int32), at)
    else:
        test, there = tl.load(node + 2 * at), tl.load(node + 2 * at + 1)
        link, column = there.to(tl.int32), (there >> 32).to(tl.int32)
        seen = tl.load(lane + column.to(tl.int64) * BLOCK).to(tl.int32)
        right = seen > test.to(tl.int32)
        goes_on = link != -1
        if SETS == "short":
            outside = ((test >> (seen & 63)) & 1) == 0
            right = tl.where(column >= n_plain, outside, right)
        if SETS == "long":
            by_set = goes_on & (column >= n_plain)
            word = tl.load(words + test + (seen >> 5), mask=by_set, other=0)
            right = tl.where(by_set, ((word >> (seen & 31)) & 1) == 0, right)
        child = tl.where(goes_on, link + right.to(tl.int32), at)
    return child


@triton.jit
def _value(
    node,
    at,
    leaf,
    begin,
    output,
    n_outputs,
    asked,
    LAYOUT: tl.constexpr,
    VECTOR: tl.constexpr,
):
    """The values of the leaves reached, (ROWS, OUTPUTS), zero where none are asked for."""
    if LAYOUT == "perfect":  # as many leaves as nodes, numbered where these end
        found = begin + at
    elif LAYOUT == "narrow":
        found = (tl.load(node + at) >> 32) & 0xFFFFFFFF
    else:
        found = tl.load(node + 2 * at)
    at_leaf = _leaf_at(found.to(tl.int64), output, n_outputs, VECTOR)
    return tl.load(leaf + at_leaf, mask=asked, other=0)


@triton.jit(**OF_ROWS)
def add_walks(
    keys,
    n_columns,
    n_rows,
    begin,
    end,
    first,
    depth,
    node,
    n_leaves,
    n_plain,
    words,
    leaf,
    out,
    n_outputs,
    n_groups,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
    OUTPUTS: tl.constexpr,
    VECTOR: tl.constexpr,
    SHIFT: tl.constexpr,
    LAYOUT: tl.constexpr,
    SETS: tl.constexpr,
    TREES: tl.constexpr,
):
    """`out[row] += leaf[tree, where its walk ends]`, of one tree or four walked side by side.

    Four, since a step waits for two loads, and others can be under way. Their leaves are added in
    their order. Behind the last tree it is walked again, and zero is added, which changes no sum
    that began at zero.
    """
    program = tl.program_id(0)
    group = program % n_groups
    row = (program // n_groups).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    lane = keys + _first_key(row, n_columns, BLOCK)
    output = group * OUTPUTS + tl.arange(0, OUTPUTS)
    asked = (row < n_rows)[:, None] & (output < n_outputs)[None, :]
    total = tl.full((ROWS, OUTPUTS), 0, out.dtype.element_ty)
    width: tl.constexpr = 2 if LAYOUT == "wide" else 1
    root = tl.full((ROWS,), 1 if LAYOUT == "perfect" else 0, tl.int32)
    last = tl.load(end + group) - 1
    for t in range(tl.load(begin + group), last + 1, TREES):
        f0 = tl.load(first + t)
        n0, a0, steps = node + f0 * width, root, tl.load(depth + t)
        if TREES == 4:
            t1, t2, t3 = tl.minimum(t + 1, last), tl.minimum(t + 2, last), tl.minimum(t + 3, last)
            f1, f2, f3 = tl.load(first + t1), tl.load(first + t2), tl.load(first + t3)
            n1, n2, n3 = node + f1 * width, node + f2 * width, node + f3 * width
            a1, a2, a3 = root, root, root
            steps = tl.maximum(steps, tl.load(depth + t1))
            steps = tl.maximum(steps, tl.maximum(tl.load(depth + t2), tl.load(depth + t3)))
        # As many steps as the deepest is deep: a row that has come to a leaf stays there.
        for _ in range(steps):
            a0 = _child(n0, a0, lane, n_plain, words, LAYOUT, SHIFT, BLOCK, SETS)
            if TREES == 4:
                a1 = _child(n1, a1, lane, n_plain, words, LAYOUT, SHIFT, BLOCK, SETS)
                a2 = _child(n2, a2, lane, n_plain, words, LAYOUT, SHIFT, BLOCK, SETS)
                a3 = _child(n3, a3, lane, n_plain, words, LAYOUT, SHIFT, BLOCK, SETS)
        left = tl.full((ROWS, 1), 1, tl.int64) + last - t
        total += _value(n0, a0, leaf, f0 - n_leaves, output, n_outputs, asked, LAYOUT, VECTOR)
        if TREES == 4:
            there = asked & (left > 1)
            total += _value(n1, a1, leaf, f1 - n_leaves, output, n_outputs, there, LAYOUT, VECTOR)
            there = asked & (left > 2)
            total += _value(n2, a2, leaf, f2 - n_leaves, output, n_outputs, there, LAYOUT, VECTOR)
            there = asked & (left > 3)
            total += _value(n3, a3, leaf, f3 - n_leaves, output, n_outputs, there, LAYOUT, VECTOR)
    tl.store(out + row[:, None] * n_outputs + output[None, :], total, mask=asked)


@triton.jit(**OF_ROWS)
def add_found(
    found,
    n_rows,
    n_trees,
    begin,
    end,
    leaf,
    out,
    n_outputs,
    n_groups,
    ROWS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    VECTOR: tl.constexpr,
    AT_ONCE: tl.constexpr,
):
    """`out[row] += leaf[found[row, tree]]`, tree by tree, of which the next `AT_ONCE` are read."""
    program = tl.program_id(0)
    group = program % n_groups
    row = (program // n_groups).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    output = group * OUTPUTS + tl.arange(0, OUTPUTS)
    inside = row < n_rows
    asked = inside[:, None] & (output < n_outputs)[None, :]
    total = tl.full((ROWS, OUTPUTS), 0, out.dtype.element_ty)
    last = tl.load(end + group)
    for first in range(tl.load(begin + group), last, AT_ONCE):
        for k in tl.static_range(AT_ONCE):
            tree = tl.full((ROWS,), 0, tl.int64) + first + k
            there = inside & (tree < last)
            at = tl.load(found + row * n_trees + tree, mask=there, other=0).to(tl.int64)
            if VECTOR:
                at_leaf = leaf + at[:, None] * n_outputs + output[None, :]
            else:
                at_leaf = leaf + at[:, None] + tl.full((ROWS, OUTPUTS), 0, tl.int32)
            value = tl.load(at_leaf, mask=asked & there[:, None], other=0)
            # Nothing is added for trees that are not there: minus zero would stay that.
            total = tl.where(there[:, None], total + value, total)
    tl.store(out + row[:, None] * n_outputs + output[None, :], total, mask=asked)

"""What runs on the card: functions in Triton, each for `ROWS` rows at a time."""

import triton
import triton.language as tl

# Triton compiles a kernel anew for a number that is 1, or one that 16 divides. Rows come in any
# number, and nothing here is faster for knowing.
OF_ROWS = {"do_not_specialize": ["n_rows"]}


# Rows and columns are counted in 64 bits: five million rows of a thousand columns are more than 31.
@triton.jit(**OF_ROWS)
def fill_keys(
    bits,
    row_step,
    column_step,
    n_rows,
    source,
    nan_low,
    n_columns,
    keys,
    n_groups,
    INFINITY: tl.constexpr,
    TOP: tl.constexpr,
    SHIFT: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """`keys[column, row]`, as `packing.fill_tile` makes them."""
    program = tl.program_id(0)
    row = (program // n_groups).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = (program % n_groups).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS)
    known = column < n_columns
    inside = (row < n_rows)[:, None] & known[None, :]
    read = tl.load(source + column, mask=known, other=0)
    low = tl.load(nan_low + column, mask=known, other=0) != 0
    at = row[:, None] * row_step + read[None, :] * column_step
    seen = tl.load(bits + at, mask=inside, other=0)
    key = seen ^ ((seen >> SHIFT) & TOP)
    end = tl.where(low, -TOP - 1, TOP).to(key.dtype)
    key = tl.where((seen & TOP) > INFINITY, end[None, :], key)
    tl.store(keys + column[None, :] * n_rows + row[:, None], key, mask=inside)


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
    keys,
    n_columns,
    ROWS: tl.constexpr,
):
    """`keys[column, row]` is the class of a value, as `coded.class_of` finds it."""
    program = tl.program_id(0)
    row = (program // n_columns).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = (program % n_columns).to(tl.int64)
    inside = row < n_rows
    at = row * row_step + tl.load(source + column) * column_step
    seen = tl.load(x + at, mask=inside, other=0.0).to(tl.float64)
    n_codes = tl.load(size + column)
    known = (seen > -1.0) & (seen < n_codes.to(tl.float64))
    code = tl.where(known, seen, 0.0).to(tl.int64)
    code = tl.where(known, code, n_codes + (seen != seen).to(tl.int64))
    found = tl.load(table + tl.load(first + column) + code, mask=inside, other=0)
    tl.store(keys + column * n_rows + row, found.to(keys.dtype.element_ty), mask=inside)


@triton.jit
def _lowest_bit_32(bits):
    """The position of the one bit that is set: the exponent of the float it is."""
    return ((bits.to(tl.float32).to(tl.int32, bitcast=True) >> 23) & 255) - 127


@triton.jit(**OF_ROWS)
def add_bitvectors(
    keys,
    n_rows,
    begin,
    end,
    first,
    column,
    threshold,
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
    OUTPUTS: tl.constexpr,
    VECTOR: tl.constexpr,
    WIDTH: tl.constexpr,
    CODED: tl.constexpr,
):
    """`out[row] += leaf[tree, lowest bit alive]`, as `forest_cpu.bitvector` has it."""
    program = tl.program_id(0)
    group = program % n_groups
    row = (program // n_groups).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    output = group * OUTPUTS + tl.arange(0, OUTPUTS)
    inside = row < n_rows
    asked = inside[:, None] & (output < n_outputs)[None, :]
    total = tl.full((ROWS, OUTPUTS), 0, out.dtype.element_ty)
    for t in range(tl.load(begin + group), tl.load(end + group)):
        alive = tl.full((ROWS,), -1, mask.dtype.element_ty)
        for k in range(tl.load(first + t), tl.load(first + t + 1)):
            seen = tl.load(keys + tl.load(column + k) * n_rows + row, mask=inside, other=0)
            standing = alive & tl.load(mask + k)
            alive = tl.where(seen > tl.load(threshold + k), standing, alive)
        if CODED:
            for k in range(tl.load(coded_first + t), tl.load(coded_first + t + 1)):
                at = keys + tl.load(coded_column + k) * n_rows + row
                seen = tl.load(at, mask=inside, other=0)
                at = words + tl.load(coded_at + k) + (seen >> 5)
                word = tl.load(at, mask=inside, other=0)
                standing = alive & tl.load(coded_mask + k)
                alive = tl.where(((word >> (seen & 31)) & 1) == 0, standing, alive)
        lowest = alive & -alive
        if WIDTH == 32:
            found = _lowest_bit_32(lowest)
        else:
            low, high = lowest.to(tl.int32), (lowest >> 32).to(tl.int32)
            found = tl.where(low != 0, _lowest_bit_32(low), 32 + _lowest_bit_32(high))
        found = found.to(tl.int64) + t * WIDTH
        if VECTOR:
            at = leaf + found[:, None] * n_outputs + output[None, :]
        else:
            at = leaf + found[:, None] + tl.full((ROWS, OUTPUTS), 0, tl.int32)
        total += tl.load(at, mask=asked, other=0)
    tl.store(out + row[:, None] * n_outputs + output[None, :], total, mask=asked)


@triton.jit(**OF_ROWS)
def add_walks(
    keys,
    n_rows,
    begin,
    end,
    first,
    depth,
    node,
    n_plain,
    words,
    leaf,
    out,
    n_outputs,
    n_groups,
    ROWS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    VECTOR: tl.constexpr,
    WIDE: tl.constexpr,
    SETS: tl.constexpr,
):
    """`out[row] += leaf[tree, where its walk ends]`, over the nodes of `forest_cpu.linking`."""
    program = tl.program_id(0)
    group = program % n_groups
    row = (program // n_groups).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    output = group * OUTPUTS + tl.arange(0, OUTPUTS)
    inside = row < n_rows
    asked = inside[:, None] & (output < n_outputs)[None, :]
    total = tl.full((ROWS, OUTPUTS), 0, out.dtype.element_ty)
    for t in range(tl.load(begin + group), tl.load(end + group)):
        root = tl.load(first + t)
        at = tl.full((ROWS,), 0, tl.int64) + root
        # As many steps as the tree is deep: a row that has ended stays, and loads no key.
        for _ in range(tl.load(depth + t)):
            if WIDE:
                test = tl.load(node + 2 * at, mask=inside, other=0)
                there = tl.load(node + 2 * at + 1, mask=inside, other=0xFFFFFFFF)
                link, column = there & 0xFFFFFFFF, there >> 32
                goes_on = link != 0xFFFFFFFF
            else:
                there = tl.load(node + at, mask=inside, other=0x1FFFFF)
                test = (there >> 32).to(tl.int32)
                link, column = there & 0x1FFFFF, (there >> 21) & 0x7FF
                goes_on = link != 0x1FFFFF
            seen = tl.load(keys + column * n_rows + row, mask=goes_on, other=0)
            right = seen > test
            if SETS == 1:
                outside = ((test >> (seen & 63)) & 1) == 0
                right = tl.where(column >= n_plain, outside, right)
            if SETS == 2:
                by_set = goes_on & (column >= n_plain)
                word = tl.load(words + test + (seen >> 5), mask=by_set, other=0)
                right = tl.where(by_set, ((word >> (seen & 31)) & 1) == 0, right)
            at = tl.where(goes_on, root + link + right.to(tl.int64), at)
        if WIDE:
            found = tl.load(node + 2 * at, mask=inside, other=0)
        else:
            found = (tl.load(node + at, mask=inside, other=0) >> 32) & 0xFFFFFFFF
        if VECTOR:
            at_leaf = leaf + found[:, None] * n_outputs + output[None, :]
        else:
            at_leaf = leaf + found[:, None] + tl.full((ROWS, OUTPUTS), 0, tl.int32)
        total += tl.load(at_leaf, mask=asked, other=0)
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

"""Vectors of the processor as values in compiled loops, so that sums and sorted rows stay in registers.

Numba vectorizes only innermost loops. Where the inner loop runs over frames and neighboring pixels shall run
side by side, a value of `Lanes` is one number for each of some neighboring pixels. The instructions are
LLVM's for vectors of any length, not those of one processor.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

__all__ = [
    "Lanes",
    "any_at_least",
    "any_less",
    "counted",
    "emit_larger",
    "emit_smaller",
    "fused",
    "how_many",
    "larger",
    "less",
    "load",
    "lowest",
    "pick",
    "pick_less",
    "roots",
    "shifted",
    "shortfall",
    "smaller",
    "splat",
    "store",
    "turned",
    "which",
    "wholes",
]

types: Any = numba.types


class Lanes(types.Type):  # type: ignore[misc]
    """Type of ``count`` numbers of the type `element`."""

    def __init__(self, element: Any, count: int) -> None:
        self.element, self.count = element, count
        super().__init__(name=f"Lanes({element}, {count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        element = manager.lookup(lanes.element).get_data_type()
        super().__init__(manager, lanes, ir.VectorType(element, lanes.count))


def vector_at(context: Any, builder: Any, array_type: Any, array: Any, index: Any, count: int) -> Any:
    """Pointer to `count` numbers of a flat array, from `index` on, and the alignment that is sure."""
    data = context.make_array(array_type)(context, builder, array).data
    vector = ir.VectorType(context.get_data_type(array_type.dtype), count)
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer()), array_type.dtype.bitwidth // 8


@intrinsic(prefer_literal=True)
def load(context: Any, array: Any, index: Any, count: Any) -> Any:  # noqa: ARG001
    """Return ``array[index : index + count]``; `count` is a literal."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    lanes = Lanes(array.dtype, count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where, first = arguments[:2]
        pointer, align = vector_at(context, builder, signature.args[0], where, first, lanes.count)
        return builder.load(pointer, align=align)

    return lanes(array, types.intp, count), generate


@intrinsic
def store(context: Any, array: Any, index: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Write the lanes to an array, from `index` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where, first = arguments[:2]
        pointer, align = vector_at(context, builder, signature.args[0], where, first, lanes.count)
        builder.store(arguments[2], pointer, align=align)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), generate


@intrinsic(prefer_literal=True)
def splat(context: Any, number: Any, count: Any) -> Any:  # noqa: ARG001
    """Return a number in each of `count` lanes; `count` is a literal."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    number = types.unliteral(number)
    lanes = Lanes(number, count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        empty = ir.Constant(context.get_value_type(lanes), ir.Undefined)
        one = builder.insert_element(empty, arguments[0], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), [0] * lanes.count)
        return builder.shuffle_vector(one, empty, zeros)

    return lanes(number, count), generate


@intrinsic(prefer_literal=True)
def counted(context: Any, first: Any, count: Any) -> Any:  # noqa: ARG001
    """Return `first` (uint64), first + 1, ... in `count` lanes; `count` is a literal."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    lanes = Lanes(types.uint64, count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        kind = context.get_value_type(lanes)
        empty = ir.Constant(kind, ir.Undefined)
        one = builder.insert_element(empty, arguments[0], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), [0] * lanes.count)
        return builder.add(
            builder.shuffle_vector(one, empty, zeros), ir.Constant(kind, list(range(lanes.count)))
        )

    return lanes(types.uint64, count), generate


def _of_each(name: str) -> Any:
    """Make an intrinsic that calls one of LLVM's."""

    @intrinsic
    def each(context: Any, lanes: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            return call(builder, name, *arguments)

        return lanes(lanes), generate

    return each


#: Square roots; whole numbers, rounded towards 0.
roots, wholes = _of_each("sqrt"), _of_each("trunc")


def _any(builder: Any, bits: Any) -> Any:
    whole = builder.bitcast(bits, ir.IntType(bits.type.count))
    return builder.icmp_unsigned("!=", whole, ir.Constant(whole.type, 0))


@intrinsic
def how_many(context: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Return how many integers are not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        bits = builder.icmp_unsigned("!=", arguments[0], ir.Constant(arguments[0].type, None))
        return builder.zext(builder.ctpop(builder.bitcast(bits, ir.IntType(bits.type.count))), ir.IntType(64))

    return types.int64(lanes), generate


@intrinsic
def which(context: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Return a number of which each bit tells whether an integer is not 0, the lowest that of the first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        bits = builder.icmp_unsigned("!=", arguments[0], ir.Constant(arguments[0].type, None))
        return builder.zext(builder.bitcast(bits, ir.IntType(bits.type.count)), ir.IntType(64))

    return types.int64(lanes), generate


@intrinsic
def lowest(context: Any, number: Any) -> Any:  # noqa: ARG001
    """Return the place of the lowest bit that is set; the number is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


@intrinsic
def turned(context: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Return integers with their bytes in the other order."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return call(builder, "bswap", *arguments)

    return lanes(lanes), generate


@intrinsic
def any_less(context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return whether any float is less than the other."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return _any(builder, builder.fcmp_ordered("<", *arguments))

    return types.boolean(a, a), generate


@intrinsic
def any_at_least(context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return whether any float is as large as the other."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return _any(builder, builder.fcmp_ordered(">=", *arguments))

    return types.boolean(a, a), generate


@intrinsic
def pick_less(context: Any, a: Any, b: Any, c: Any, d: Any) -> Any:  # noqa: ARG001
    """Return `c` where the float `a` is less than `b`, else `d`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.select(builder.fcmp_ordered("<", *arguments[:2]), *arguments[2:])

    return a(a, a, a, a), generate


@intrinsic
def shifted(context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return ``a >> b``, the sign of `a` kept as if it had one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.ashr(*arguments)

    return a(a, a), generate


@intrinsic
def fused(context: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: ARG001
    """Return ``a * b + c`` in one instruction where there is one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return call(builder, "fmuladd", *arguments)

    return a(a, a, a), generate


def call(builder: Any, name: str, *arguments: Any) -> Any:
    """Call an intrinsic of LLVM whose arguments and result have one type."""
    vector = arguments[0].type
    element = str(vector.element).replace("float", "f32").replace("double", "f64")
    kind = ir.FunctionType(vector, [vector] * len(arguments))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{vector.count}{element}")
    return builder.call(function, arguments)


def emit_smaller(builder: Any, a: Any, b: Any) -> Any:
    """Generate the smaller numbers, of floats or unsigned integers; `b` where one is NaN."""
    if isinstance(a.type.element, ir.IntType):
        return call(builder, "umin", a, b)
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def emit_larger(builder: Any, a: Any, b: Any) -> Any:
    """Generate the larger numbers, as for `emit_smaller`."""
    if isinstance(a.type.element, ir.IntType):
        return call(builder, "umax", a, b)
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


@intrinsic
def smaller(context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return the smaller numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return emit_smaller(builder, *arguments)

    return a(a, a), generate


@intrinsic
def larger(context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return the larger numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return emit_larger(builder, *arguments)

    return a(a, a), generate


@intrinsic
def less(context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return all bits set, which is -1, where one unsigned integer is less than the other, else 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.sext(builder.icmp_unsigned("<", *arguments), arguments[0].type)

    return a(a, a), generate


@intrinsic
def pick(context: Any, condition: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return `a` where the integers of `condition` are not 0, else `b`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        zeros = ir.Constant(arguments[0].type, None)
        return builder.select(builder.icmp_unsigned("!=", arguments[0], zeros), *arguments[1:])

    return a(condition, a, a), generate


@intrinsic
def shortfall(context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Return ``max(a - b, 0)`` of unsigned integers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return call(builder, "usub.sat", *arguments)

    return a(a, a), generate


def _operator(symbol: Any, in_place: Any, integer: str, floating: str) -> None:
    """Teach Numba an operator between two vectors of one type."""

    class Typed(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:  # noqa: ARG002
            if len(args) == 2 and isinstance(args[0], Lanes) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        whole = isinstance(arguments[0].type.element, ir.IntType)
        emit: Callable[..., Any] = getattr(builder, integer if whole else floating)
        return emit(*arguments)

    for key in (symbol, in_place):
        infer_global(key)(Typed)
        lower_builtin(key, Lanes, Lanes)(generate)


_operator(operator.add, operator.iadd, "add", "fadd")
_operator(operator.sub, operator.isub, "sub", "fsub")
_operator(operator.mul, operator.imul, "mul", "fmul")
_operator(operator.truediv, operator.itruediv, "udiv", "fdiv")
_operator(operator.or_, operator.ior, "or_", "or_")
_operator(operator.and_, operator.iand, "and_", "and_")
_operator(operator.xor, operator.ixor, "xor", "xor")
_operator(operator.rshift, operator.irshift, "lshr", "lshr")
_operator(operator.lshift, operator.ilshift, "shl", "shl")

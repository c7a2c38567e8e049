"""Lanes of one type from lanes of another; see `fullwell.kernels.lanes_compiled`."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba.extending import intrinsic

from fullwell.kernels.lanes_compiled import Lanes

__all__ = ["bits_of", "doubles", "floats", "floats_of_bits", "halves", "integers"]

types: Any = numba.types


@intrinsic
def halves(context: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Return the lower halves of lanes of uint64 as uint32."""
    result = Lanes(types.uint32, lanes.count)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.trunc(arguments[0], context.get_value_type(result))

    return result(lanes), generate


@intrinsic
def floats(context: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Return lanes of uint16, or of uint32 that are taken for int32, as float32."""
    result = Lanes(types.float32, lanes.count)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = arguments[0]
        if signature.args[0].element.bitwidth < 32:
            wide = builder.zext(wide, ir.VectorType(ir.IntType(32), lanes.count))
        # Signed: only that has an instruction of its own before AVX-512.
        return builder.sitofp(wide, context.get_value_type(result))

    return result(lanes), generate


@intrinsic
def doubles(context: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Return lanes of float32 or uint16 as float64."""
    result = Lanes(types.float64, lanes.count)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target = context.get_value_type(result)
        if isinstance(signature.args[0].element, types.Float):
            return builder.fpext(arguments[0], target)
        return builder.sitofp(builder.zext(arguments[0], ir.VectorType(ir.IntType(32), lanes.count)), target)

    return result(lanes), generate


@intrinsic
def integers(context: Any, lanes: Any) -> Any:  # noqa: ARG001
    """Return lanes of floats, 0 or more and less than 65536, as uint16."""
    result = Lanes(types.uint16, lanes.count)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        wide = builder.fptosi(arguments[0], ir.VectorType(ir.IntType(32), lanes.count))
        return builder.trunc(wide, context.get_value_type(result))

    return result(lanes), generate


def _taken_for(element: Any) -> Any:
    """Make an intrinsic that takes the bits of numbers for those of others."""

    @intrinsic
    def taken(context: Any, lanes: Any) -> Any:  # noqa: ARG001
        result = Lanes(element, lanes.count)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            return builder.bitcast(arguments[0], context.get_value_type(result))

        return result(lanes), generate

    return taken


#: Bits of float32 as uint32, and back.
bits_of, floats_of_bits = _taken_for(types.uint32), _taken_for(types.float32)

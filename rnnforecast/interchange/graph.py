"""ONNX graphs written as arithmetic: a value's operators add the nodes that compute them.

A `Value` stands for a tensor as it will be when the graph runs. The operators are those of NumPy where it has them, so
that the arithmetic of a cell (`rnnforecast.kernels.cells`) runs on values as it does on arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

OPSET = 17  # RNN-14, GRU-14, LSTM-14, Scan-16, LayerNormalization-17
IR_VERSION = 8  # what belongs to that opset: readers refuse newer ones than they know
OPERATORS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "exponential": "Exp"}  # of activations
TO_THE_END = np.iinfo(np.int64).max


def onnx() -> Any:
    """Import the package.

    Raises
    ------
    ImportError
        It is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError('to_onnx needs onnx: install it, or rnnforecast with its "onnx" extra') from None
    return onnx


class Value:
    """A tensor of a graph.

    Parameters
    ----------
    graph : Graph
    name : str
    dtype : numpy dtype
    """

    __array_ufunc__ = None  # NumPy's own operators defer to the ones below

    def __init__(self, graph: Graph, name: str, dtype: Any):
        self.graph, self.name, self.dtype = graph, name, np.dtype(dtype)

    def __add__(self, other: Any) -> Value:
        return self.graph.apply("Add", self, self._same(other))

    def __radd__(self, other: Any) -> Value:
        return self.graph.apply("Add", self._same(other), self)

    def __sub__(self, other: Any) -> Value:
        return self.graph.apply("Sub", self, self._same(other))

    def __rsub__(self, other: Any) -> Value:
        return self.graph.apply("Sub", self._same(other), self)

    def __mul__(self, other: Any) -> Value:
        return self.graph.apply("Mul", self, self._same(other))

    def __rmul__(self, other: Any) -> Value:
        return self.graph.apply("Mul", self._same(other), self)

    def __truediv__(self, other: Any) -> Value:
        return self.graph.apply("Div", self, self._same(other))

    def __rtruediv__(self, other: Any) -> Value:
        return self.graph.apply("Div", self._same(other), self)

    def __pow__(self, other: Any) -> Value:
        return self.graph.apply("Pow", self, self._same(other))

    def __matmul__(self, other: Any) -> Value:
        return self.graph.apply("MatMul", self, self._same(other))

    def __neg__(self) -> Value:
        return self.graph.apply("Neg", self)

    def activate(self, activation: Any) -> Value:
        """Return an activation of `rnnforecast.kernels.activations`, called with a value."""
        if activation.name == "linear":
            return self
        if activation.name not in OPERATORS:
            raise ValueError(
                f'the activation "{activation.name}" is no ONNX operator; fit with a cell of '
                f"{', '.join(map(repr, OPERATORS))} to export it"
            )
        return self.graph.apply(OPERATORS[activation.name], self)

    def at_least(self, bound: Any) -> Value:
        """Return the larger of value and bound."""
        return self.graph.apply("Max", self, self._same(bound))

    def at_most(self, bound: Any) -> Value:
        """Return the smaller of value and bound."""
        return self.graph.apply("Min", self, self._same(bound))

    def astype(self, dtype: Any) -> Value:
        """Return the value in another dtype."""
        if self.dtype == np.dtype(dtype):
            return self
        onnx_type = onnx().helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.graph.apply("Cast", self, dtype=dtype, to=onnx_type)

    def cut(self, axis: int, start: Any, stop: Any) -> Value:
        """Return a slice along an axis: negative ends count from the back, None is the end, and a `size` may be one."""
        ends = (0 if start is None else start), (TO_THE_END if stop is None else stop), axis
        return self.graph.apply("Slice", self, *(self.graph.shape([end]) for end in ends))

    def take(self, axis: int, which: Any) -> Value:
        """Return elements along an axis: of an integer, without the axis."""
        return self.graph.apply("Gather", self, np.asarray(which, np.int64), axis=axis)

    def extended(self, axis: int, before: int) -> Value:
        """Repeat the first element along an axis of three, `before` more times."""
        if before == 0:
            return self
        pads = np.zeros(6, np.int64)
        pads[axis] = before
        return self.graph.apply("Pad", self, pads, mode="edge")

    def reshape(self, *shape: Any) -> Value:
        """Return the value in another shape: -1 is what is left, 0 what it is; a `size` may stand for a number."""
        return self.graph.apply("Reshape", self, self.graph.shape(shape))

    def expand(self, *shape: Any) -> Value:
        """Repeat along axes of length 1, as broadcasting does; a `size` may stand for a number."""
        return self.graph.apply("Expand", self, self.graph.shape(shape))

    def transpose(self, *axes: int) -> Value:
        """Return the value with its axes in another order."""
        return self.graph.apply("Transpose", self, perm=list(axes))

    def size(self, axis: int) -> Value:
        """Return the length of an axis, (1,) int64."""
        return self.graph.apply("Shape", self, dtype=np.int64, start=axis, end=axis + 1)

    def mean(self, axis: int) -> Value:
        """Return the mean along an axis, which stays with length 1."""
        return self.graph.apply("ReduceMean", self, axes=[axis])

    def _same(self, other: Any) -> Any:
        return other if isinstance(other, Value) else np.asarray(other, self.dtype)


class Graph:
    """Nodes in the order in which they are computed.

    Parameters
    ----------
    outer : Graph, optional
        The one whose node this graph is the body of: constants are put there.
    """

    def __init__(self, outer: Graph | None = None):
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self._numbers: Any = itertools.count() if outer is None else outer._numbers
        self._constants: dict[Any, Any] = {} if outer is None else outer._constants

    def input(self, name: str, dtype: Any, shape: Sequence[Any] | None, about: str = "", default: Any = None) -> Value:
        """Return a value that is given when the graph runs.

        Parameters
        ----------
        name : str
        dtype : numpy dtype
        shape : sequence of int or str, or None
            A name stands for any length, None for any shape.
        about : str
            What it is, for whoever looks at the graph.
        default : array, optional
            What it is where it is not given.
        """
        self.inputs.append(_described(name, dtype, shape, about))
        if default is not None:
            self._constants[name] = onnx().numpy_helper.from_array(np.asarray(default, dtype), name)
        return Value(self, name, dtype)

    def output(self, value: Value, name: str, shape: Sequence[Any] | None, about: str = "") -> None:
        """Let a value be what the graph returns under a name."""
        self.nodes.append(onnx().helper.make_node("Identity", [value.name], [name]))
        self.outputs.append(_described(name, value.dtype, shape, about))

    def constant(self, array: Any) -> Value:
        """Return a value that is known already."""
        array = np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array)
        key = array.dtype.str, array.shape, array.tobytes() if array.dtype.kind != "O" else tuple(array)
        if key not in self._constants:
            name = f"c{next(self._numbers)}"
            self._constants[key] = onnx().numpy_helper.from_array(array, name)
        return Value(self, self._constants[key].name, array.dtype)

    def apply(self, operator: str, *inputs: Any, dtype: Any = None, n_outputs: int = 1, **attributes: Any) -> Any:
        """Add a node.

        Parameters
        ----------
        operator : str
            Of the ONNX standard.
        *inputs : Value, ndarray or None
            None leaves an optional one out.
        dtype : numpy dtype, optional
            Of the outputs; that of the first input by default.
        n_outputs : int
        **attributes

        Returns
        -------
        Value or tuple of Value
        """
        values = [v if isinstance(v, Value) or v is None else self.constant(v) for v in inputs]
        names = [f"v{next(self._numbers)}" for _ in range(n_outputs)]
        given = ["" if value is None else value.name for value in values]
        self.nodes.append(onnx().helper.make_node(operator, given, names, **attributes))
        if dtype is None:
            dtype = next(value.dtype for value in values if value is not None)
        outputs = tuple(Value(self, name, dtype) for name in names)
        return outputs[0] if n_outputs == 1 else outputs

    def concatenate(self, values: Sequence[Any], axis: int) -> Value:
        """Join values along an axis."""
        return values[0] if len(values) == 1 else self.apply("Concat", *values, axis=axis)

    def where(self, condition: Value, value: Any, other: Any) -> Value:
        """Choose between two values, element by element; at least the first is no array."""
        return self.apply("Where", condition, value, value._same(other), dtype=value.dtype)

    def shape(self, parts: Sequence[Any]) -> Any:
        """Return a shape of numbers and sizes."""
        if not any(isinstance(part, Value) for part in parts):
            return np.array(parts, np.int64)
        return self.concatenate([p if isinstance(p, Value) else np.array([p], np.int64) for p in parts], 0)

    def scan(
        self, body: Callable[..., tuple[Sequence[Value], Value]], states: Sequence[Value], steps: Sequence[Value]
    ) -> tuple[list[Value], Value]:
        """Go through the first axis of some values (Scan-16).

        Parameters
        ----------
        body : callable
            ``body(graph, states, steps) -> states, output`` of one step, written on values of the graph it is given
            and arrays.
        states, steps : sequence of Value
            What is handed on, and what is gone through.

        Returns
        -------
        states : list of Value
            After the last step.
        outputs : Value
            Of all steps, along a new first axis.
        """
        inner = Graph(self)
        names = [f"v{next(self._numbers)}" for _ in range(len(states) + len(steps))]
        given = [inner.input(name, v.dtype, None) for name, v in zip(names, [*states, *steps], strict=True)]
        after, output = body(inner, given[: len(states)], given[len(states) :])
        for value in (*after, output):
            inner.output(value, f"v{next(self._numbers)}", None)
        found = self.apply(
            "Scan",
            *states,
            *steps,
            n_outputs=len(states) + 1,
            body=inner._proto("step", {}),
            num_scan_inputs=len(steps),
        )
        return list(found[:-1]), found[-1]

    def model(self, about: str) -> Any:
        """Return the graph as an `onnx.ModelProto`."""
        helper = onnx().helper
        return helper.make_model(
            self._proto("rnnforecast", self._constants),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="rnnforecast",
            doc_string=about,
        )

    def _proto(self, name: str, constants: dict[Any, Any]) -> Any:
        wanted, nodes = {output.name for output in self.outputs}, []
        for node in reversed(self.nodes):  # those that nothing reads are left out
            if wanted.intersection(node.output):
                nodes.append(node)
                wanted.update(node.input)
        return onnx().helper.make_graph(nodes[::-1], name, self.inputs, self.outputs, list(constants.values()))


def _described(name: str, dtype: Any, shape: Sequence[Any] | None, about: str = "") -> Any:
    helper = onnx().helper
    dtype = np.dtype(dtype)
    # NumPy has many dtypes of text, ONNX has one.
    onnx_type = onnx().TensorProto.STRING if dtype.kind in "OU" else helper.np_dtype_to_tensor_dtype(dtype)
    return helper.make_tensor_value_info(name, onnx_type, shape, doc_string=about)

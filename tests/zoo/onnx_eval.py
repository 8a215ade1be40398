"""Evaluates a float ONNX graph node by node with torch's functions: a second opinion on what
torch.onnx.export wrote.

It covers the operators that the models of this folder use, in opsets 9 to 17, and raises NotImplementedError
on any other operator or attribute value.
"""

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper


def _attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _need(condition, node, what):
    if not condition:
        raise NotImplementedError(f"{node.op_type} {node.name}: {what}")


def _pad_hw(x, pads, value):
    """Pads [n, c, h, w] by ONNX's (top, left, bottom, right)."""
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value) if any(pads) else x


def _conv(node, a, x, w, b=None):
    _need(a.get("auto_pad", b"NOTSET") == b"NOTSET", node, "auto_pad")
    x = _pad_hw(x, a.get("pads", [0] * 4), 0.0)
    return F.conv2d(x, w, b, a.get("strides", [1, 1]), 0, a.get("dilations", [1, 1]), a.get("group", 1))


def _conv_transpose(node, a, x, w, b=None):
    pads = a.get("pads", [0] * 4)
    _need(pads[:2] == pads[2:], node, "uneven pads")
    return F.conv_transpose2d(x, w, b, a.get("strides", [1, 1]), pads[:2], a.get("output_padding", [0, 0]),
                              a.get("group", 1), a.get("dilations", [1, 1]))


def _max_pool(node, a, x):
    pads, ceil = a.get("pads", [0] * 4), bool(a.get("ceil_mode", 0))
    _need(set(a.get("dilations", [1])) == {1}, node, "dilations")
    _need(not (ceil and any(pads)), node, "ceil_mode with pads")
    return F.max_pool2d(_pad_hw(x, pads, -np.inf), a["kernel_shape"], a["strides"], ceil_mode=ceil)


def _average_pool(node, a, x):
    _need(not a.get("ceil_mode", 0), node, "ceil_mode")
    pads = a.get("pads", [0] * 4)
    sums = F.avg_pool2d(_pad_hw(x, pads, 0.0), a["kernel_shape"], a["strides"])
    if a.get("count_include_pad", 0):
        return sums
    return sums / F.avg_pool2d(_pad_hw(torch.ones_like(x), pads, 0.0), a["kernel_shape"], a["strides"])


def _batch_norm(node, a, x, gamma, beta, mean, var):
    _need(not a.get("training_mode", 0) and len(node.output) == 1, node, "training mode")
    return F.batch_norm(x, mean, var, gamma, beta, False, 0.0, a.get("epsilon", 1e-5))


def _clip(node, a, x, low=None, high=None):
    low = a.get("min") if low is None else float(low)
    high = a.get("max") if high is None else float(high)
    return x.clamp(low, high)


def _gemm(node, a, x, w, b=None):
    x = x.t() if a.get("transA", 0) else x
    w = w.t() if a.get("transB", 0) else w
    out = a.get("alpha", 1.0) * (x @ w)
    return out if b is None else out + a.get("beta", 1.0) * b


def _pad(node, a, x, pads=None, value=None):
    _need(a.get("mode", b"constant") == b"constant", node, "mode")
    pads = a["pads"] if pads is None else pads.tolist()
    value = a.get("value", 0.0) if value is None else float(value)
    _need(len(pads) == 8 and not any(pads[:2] + pads[4:6]), node, "padding of n or c")
    return _pad_hw(x, pads[2:4] + pads[6:8], value)


def _resize(node, a, x, *rest):
    scales = (rest[-1] if node.op_type == "Upsample" else rest[1]).tolist()
    _need(a.get("mode", b"nearest") == b"nearest" and a.get("nearest_mode", b"floor") == b"floor"
          and a.get("coordinate_transformation_mode", b"asymmetric") == b"asymmetric" and scales[:2] == [1, 1]
          and all(s == int(s) for s in scales), node, "anything but whole-number nearest upsampling")
    return x.repeat_interleave(int(scales[2]), 2).repeat_interleave(int(scales[3]), 3)


def _softmax(node, a, x):
    _need(x.ndim == 2, node, "more than two dimensions")
    return torch.softmax(x, a.get("axis", 1 if x.ndim == 2 else -1))


def _reshape(node, a, x, shape):
    return x.reshape([x.shape[i] if s == 0 else s for i, s in enumerate(shape.tolist())])


def _slice(node, a, x, starts, ends, axes, steps=None):
    steps = torch.ones_like(starts) if steps is None else steps
    index = [np.s_[:]] * x.ndim
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes.tolist(), steps.tolist()):
        # A hugely negative end means "down to and with the first element".
        index[axis] = np.s_[start:end if end > -2**31 else None:step]
    return torch.from_numpy(x.numpy()[tuple(index)].copy())


def _div(node, a, x, y):
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


def _gather(node, a, x, index):
    return x[index] if a.get("axis", 0) == 0 and x.ndim == 1 else x.index_select(a.get("axis", 0), index)


def _unsqueeze(node, a, x, axes=None):
    for axis in sorted(a["axes"] if axes is None else axes.tolist()):
        x = x.unsqueeze(axis)
    return x


def _split(node, a, x, sizes=None):
    sizes = a.get("split") if sizes is None else sizes.tolist()
    return torch.split(x, sizes or x.shape[a["axis"]] // len(node.output), a["axis"])


OPERATORS = {
    "Add": lambda n, a, x, y: x + y,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": lambda n, a, x: x.to({1: torch.float32, 7: torch.int64}[a["to"]]),
    "Clip": _clip,
    "Concat": lambda n, a, *x: torch.cat(x, a["axis"]),
    "Constant": lambda n, a: torch.from_numpy(np.array(numpy_helper.to_array(a["value"]))),
    "ConstantOfShape": lambda n, a, s: torch.full(s.tolist(), numpy_helper.to_array(a["value"]).item()),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Div": _div,
    "Flatten": lambda n, a, x: x.flatten(a.get("axis", 1)),
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda n, a, x: x.mean((2, 3), keepdim=True),
    "HardSigmoid": lambda n, a, x: (a.get("alpha", 0.2) * x + a.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda n, a, x: x * (x / 6 + 0.5).clamp(0, 1),
    "Identity": lambda n, a, x: x,
    "LeakyRelu": lambda n, a, x: F.leaky_relu(x, a.get("alpha", 0.01)),
    "MatMul": lambda n, a, x, y: x @ y,
    "MaxPool": _max_pool,
    "Mul": lambda n, a, x, y: x * y,
    "Pad": _pad,
    "ReduceMean": lambda n, a, x: x.mean(a["axes"], keepdim=bool(a.get("keepdims", 1))),
    "Relu": lambda n, a, x: x.relu(),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": lambda n, a, x: torch.tensor(x.shape),
    "Sigmoid": lambda n, a, x: x.sigmoid(),
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Tanh": lambda n, a, x: x.tanh(),
    "Transpose": lambda n, a, x: x.permute(a["perm"]),
    "Unsqueeze": _unsqueeze,
    "Upsample": _resize,
}


def evaluate(model, x):
    """The first output, numpy float32, of an onnx.ModelProto whose only input is `x` (numpy float32)."""
    graph = model.graph
    values = {t.name: torch.from_numpy(np.array(numpy_helper.to_array(t))) for t in graph.initializer}
    inputs = [i.name for i in graph.input if i.name not in values]
    if len(inputs) != 1:
        raise NotImplementedError(f"inputs {inputs}: expected one")
    values[inputs[0]] = torch.from_numpy(x)
    with torch.no_grad():
        for node in graph.node:
            if node.op_type not in OPERATORS:
                raise NotImplementedError(f"operator {node.op_type}")
            arguments = [values[name] if name else None for name in node.input]
            out = OPERATORS[node.op_type](node, _attributes(node), *arguments)
            values.update(zip(node.output, out if isinstance(out, tuple) else (out,)))
    return values[graph.output[0].name].numpy()

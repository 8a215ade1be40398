"""Evaluates an ONNX graph, float or QDQ, node by node with torch's functions: a second opinion on what
torch.onnx.export or qconvert --emit-qdq wrote.

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
    top, left, bottom, right = a.get("pads", [0] * 4)
    whole = F.conv_transpose2d(x, w, b, a.get("strides", [1, 1]), 0, a.get("output_padding", [0, 0]), a.get("group", 1),
                               a.get("dilations", [1, 1]))
    return whole[:, :, top:whole.shape[2] - bottom, left:whole.shape[3] - right]


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
    _need(len(pads) == 2 * x.ndim and min(pads) >= 0, node, "cropping")
    return F.pad(x, [n for axis in reversed(range(x.ndim)) for n in (pads[axis], pads[axis + x.ndim])], value=value)


def _nearest_index(node, a, size, extent):
    """The source pixel of each of `size` output pixels along an axis of `extent` pixels."""
    rounding, coordinates = a.get("nearest_mode", b"floor"), a.get("coordinate_transformation_mode", b"asymmetric")
    at = torch.arange(size, dtype=torch.float64)
    if coordinates == b"half_pixel":
        at = (at + 0.5) * extent / size - 0.5
    else:
        _need(coordinates == b"asymmetric", node, "coordinates")
        at = at * extent / size
    _need(rounding in (b"floor", b"round_prefer_floor"), node, "nearest_mode")
    index = at.floor() if rounding == b"floor" else (at - 0.5).ceil()
    return index.long().clamp(0, extent - 1)


def _resize(node, a, x, *rest):
    if len(rest) > 2:
        sizes = rest[2].tolist()
    else:
        scales = (rest[-1] if node.op_type == "Upsample" else rest[1]).tolist()
        _need(all(s == int(s) for s in scales), node, "scales that are no whole numbers")
        sizes = [extent * int(scale) for extent, scale in zip(x.shape, scales)]
    _need(sizes[:2] == list(x.shape[:2]), node, "anything but height and width")
    if a.get("mode", b"nearest") == b"linear":
        coordinates = a.get("coordinate_transformation_mode", b"half_pixel")
        _need(coordinates in (b"half_pixel", b"align_corners"), node, "coordinates")
        return F.interpolate(x, sizes[2:], mode="bilinear", align_corners=coordinates == b"align_corners")
    _need(a.get("mode", b"nearest") == b"nearest", node, "mode")
    return x[:, :, _nearest_index(node, a, sizes[2], x.shape[2])][:, :, :, _nearest_index(node, a, sizes[3], x.shape[3])]


def _softmax(node, a, x):
    _need(x.ndim == 2 or "axis" in a, node, "a default axis of more than two dimensions")
    return torch.softmax(x, a.get("axis", 1))


def _reshape(node, a, x, shape):
    return x.reshape([x.shape[i] if s == 0 else s for i, s in enumerate(shape.tolist())])


def _slice(node, a, x, starts, ends, axes, steps=None):
    steps = torch.ones_like(starts) if steps is None else steps
    index = [np.s_[:]] * x.ndim
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes.tolist(), steps.tolist()):
        # A hugely negative end means "down to and with the first element".
        index[axis] = np.s_[start:end if end > -2**31 else None:step]
    return torch.from_numpy(x.numpy()[tuple(index)].copy())


def _along(x, values, axis):
    """One value, or one per slice along the axis, to be broadcast against x."""
    return values if values.ndim == 0 else values.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


def _quantize(node, a, x, scale, zero_point):
    limits = torch.iinfo(zero_point.dtype)
    q = torch.round(x / _along(x, scale, a.get("axis", 1))) + _along(x, zero_point, a.get("axis", 1))
    return q.clamp(limits.min, limits.max).to(zero_point.dtype)


def _dequantize(node, a, q, scale, zero_point=None):
    shifted = q.to(torch.int32)
    if zero_point is not None:
        shifted = shifted - _along(q, zero_point, a.get("axis", 1)).to(torch.int32)
    return shifted.to(torch.float32) * _along(q, scale, a.get("axis", 1))


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
    "Abs": lambda n, a, x: x.abs(),
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
    "DequantizeLinear": _dequantize,
    "Div": _div,
    "Elu": lambda n, a, x: F.elu(x, a.get("alpha", 1.0)),
    "Erf": lambda n, a, x: x.erf(),
    "Exp": lambda n, a, x: x.exp(),
    "Flatten": lambda n, a, x: x.flatten(a.get("axis", 1)),
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda n, a, x: x.mean((2, 3), keepdim=True),
    "GlobalMaxPool": lambda n, a, x: x.amax((2, 3), keepdim=True),
    "HardSigmoid": lambda n, a, x: (a.get("alpha", 0.2) * x + a.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda n, a, x: x * (x / 6 + 0.5).clamp(0, 1),
    "Identity": lambda n, a, x: x,
    "LeakyRelu": lambda n, a, x: F.leaky_relu(x, a.get("alpha", 0.01)),
    "MatMul": lambda n, a, x, y: x @ y,
    "MaxPool": _max_pool,
    "Max": lambda n, a, x, y: torch.maximum(x, y),
    "Min": lambda n, a, x, y: torch.minimum(x, y),
    "Mul": lambda n, a, x, y: x * y,
    "Neg": lambda n, a, x: -x,
    "Pad": _pad,
    "QuantizeLinear": _quantize,
    "ReduceMean": lambda n, a, x: x.mean(a["axes"], keepdim=bool(a.get("keepdims", 1))),
    "Relu": lambda n, a, x: x.relu(),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": lambda n, a, x: torch.tensor(x.shape),
    "Sigmoid": lambda n, a, x: x.sigmoid(),
    "Slice": _slice,
    "Softmax": _softmax,
    "Softplus": lambda n, a, x: F.softplus(x),
    "Split": _split,
    "Sub": lambda n, a, x, y: x - y,
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

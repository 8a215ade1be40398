"""PyTorch, as one of those that peers.py compares. Speaks the protocol of bench/README.md.

    python3 torch_peer.py MODEL.onnx THREADS                       float: traced, frozen, optimize_for_inference
    python3 torch_peer.py MODEL.onnx THREADS --int8 CALIBRATION.npy
                                                                    post-training static quantisation (FX), per channel

PyTorch does not read ONNX: the graph is rebuilt from torch.nn's modules, with the weights of the file.
"""
import json
import os
import sys
import time

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

MIN_RUNS, MAX_RUNS = 3, 100000


class Refused(Exception):
    pass


def need(condition, node, what):
    if not condition:
        raise Refused(f"{node.op_type} '{node.name or node.output[0]}': {what}")


def window(node, a):
    """(kernel's keyword arguments, a padding module or None) of a Conv or a pool."""
    need(a.get("auto_pad", b"NOTSET") == b"NOTSET", node, "auto_pad")
    top, left, bottom, right = a.get("pads", [0] * 4)
    arguments = {"stride": tuple(a.get("strides", [1, 1])), "padding": (top, left)}
    if (top, left) == (bottom, right):
        return arguments, None
    arguments["padding"] = 0
    return arguments, nn.ConstantPad2d((left, right, top, bottom), 0.0)


def conv(node, a, w, b=None):
    arguments, pad = window(node, a)
    groups = a.get("group", 1)
    layer = nn.Conv2d(w.shape[1] * groups, w.shape[0], tuple(w.shape[2:]), dilation=tuple(a.get("dilations", [1, 1])),
                      groups=groups, bias=b is not None, **arguments)
    layer.weight.data = w
    if b is not None:
        layer.bias.data = b
    return nn.Sequential(pad, layer) if pad else layer


def gemm(node, a, w, b=None):
    need(a.get("alpha", 1.0) == 1 and a.get("beta", 1.0) == 1 and not a.get("transA", 0), node, "alpha, beta or transA")
    w = w if a.get("transB", 0) else w.t()
    layer = nn.Linear(w.shape[1], w.shape[0], bias=b is not None)
    layer.weight.data = w.contiguous()
    if b is not None:
        layer.bias.data = b
    return layer


def clip(node, a, low=None, high=None):
    low = a.get("min", -np.inf) if low is None else float(low)
    high = a.get("max", np.inf) if high is None else float(high)
    if (low, high) == (0, 6):
        return nn.ReLU6()
    return nn.ReLU() if (low, high) == (0, np.inf) else nn.Hardtanh(low, high)


def max_pool(node, a):
    arguments, pad = window(node, a)
    need(pad is None and set(a.get("dilations", [1])) == {1}, node, "uneven pads or dilations")
    return nn.MaxPool2d(tuple(a["kernel_shape"]), ceil_mode=bool(a.get("ceil_mode", 0)), **arguments)


def average_pool(node, a):
    arguments, pad = window(node, a)
    need(pad is None, node, "uneven pads")
    return nn.AvgPool2d(tuple(a["kernel_shape"]), ceil_mode=bool(a.get("ceil_mode", 0)),
                        count_include_pad=bool(a.get("count_include_pad", 0)), **arguments)


def batch_norm(node, a, gamma, beta, mean, variance):
    layer = nn.BatchNorm2d(len(gamma), eps=a.get("epsilon", 1e-5))
    layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var = gamma, beta, mean, variance
    return layer


def flatten(node, a, *shape):
    if node.op_type == "Reshape":
        need(len(shape) == 1 and len(shape[0]) == 2, node, "anything but flattening")
    need(a.get("axis", 1) == 1, node, "axis")
    return nn.Flatten()


# Operators on one activation: the module, from the node's attributes and constants.
MODULES = {
    "AveragePool": average_pool, "BatchNormalization": batch_norm, "Clip": clip, "Conv": conv, "Flatten": flatten, "Gemm": gemm,
    "Dropout": lambda node, a, *_: nn.Identity(), "Identity": lambda node, a: nn.Identity(),
    "GlobalAveragePool": lambda node, a: nn.AdaptiveAvgPool2d(1), "HardSwish": lambda node, a: nn.Hardswish(),
    "MaxPool": max_pool, "Relu": lambda node, a: nn.ReLU(), "Reshape": flatten, "Sigmoid": lambda node, a: nn.Sigmoid(),
    "Softmax": lambda node, a: nn.Softmax(a.get("axis", -1)),
}
# Operators on several.
FUNCTIONS = {"Add": lambda a, x, y: x + y, "Mul": lambda a, x, y: x * y, "Concat": lambda a, *x: torch.cat(x, a["axis"])}


class Network(nn.Module):
    """The ONNX graph, node by node."""

    def __init__(self, model):
        super().__init__()
        constants = {t.name: torch.from_numpy(np.array(numpy_helper.to_array(t))) for t in model.graph.initializer}
        inputs = [i for i in model.graph.input if i.name not in constants]
        if len(inputs) != 1 or len(model.graph.output) != 1:
            raise Refused("the model has several inputs or outputs")
        self.input, self.output = inputs[0].name, model.graph.output[0].name
        self.shape = [1] + [d.dim_value for d in inputs[0].type.tensor_type.shape.dim][1:]
        self.layers, self.steps = nn.ModuleList(), []
        for node in model.graph.node:
            a = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
            if node.op_type == "Constant":
                constants[node.output[0]] = torch.from_numpy(np.array(numpy_helper.to_array(a["value"])))
                continue
            activations = [name for name in node.input if name and name not in constants]
            if node.op_type in FUNCTIONS:
                need(len(activations) == len(node.input), node, "a constant operand")
                self.steps.append((None, node.op_type, a, activations, node.output[0]))
                continue
            need(node.op_type in MODULES and activations == [node.input[0]], node, "the peer has no such operator")
            arguments = [constants[name] if name else None for name in node.input[1:]]
            self.steps.append((len(self.layers), None, a, activations, node.output[0]))
            self.layers.append(MODULES[node.op_type](node, a, *arguments))

    def forward(self, x):
        values = {self.input: x}
        for layer, kind, a, activations, output in self.steps:
            inputs = [values[name] for name in activations]
            values[output] = FUNCTIONS[kind](a, *inputs) if layer is None else self.layers[layer](*inputs)
        return values[self.output]


def quantize(network, example, calibration):
    """Static quantisation with the fastest engine that this build has: (module, engine)."""
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
    engines = [e for e in ("fbgemm", "onednn", "qnnpack") if e in torch.backends.quantized.supported_engines]
    if not engines:
        raise Refused("this build of PyTorch has no int8 engine")
    torch.backends.quantized.engine = engines[0]
    prepared = prepare_fx(network, get_default_qconfig_mapping(engines[0]), (example,))
    for item in np.load(calibration):
        prepared(torch.from_numpy(item[None]))
    return convert_fx(prepared), engines[0]


def count_linear(module):
    """What multiplies in `module`, by class, and how much of it is quantised."""
    kernels, done, of = {}, 0, 0
    for layer in module.modules():
        name = type(layer).__name__
        if not any(kind in name for kind in ("Conv", "Linear")) or name == "LinearPackedParams":
            continue
        quantized = type(layer).__module__.startswith(("torch.nn.quantized", "torch.ao.nn", "torch.nn.intrinsic.quantized"))
        name = ("quantized." if quantized else "") + name
        kernels[name] = kernels.get(name, 0) + 1
        of, done = of + 1, done + quantized
    return {"done": done, "of": of, "what": "convolutions and matrix products", "kernels": kernels}


def main(model_path, threads, calibration=None):
    torch.set_num_threads(int(threads))
    torch.set_num_interop_threads(1)
    torch.set_grad_enabled(False)
    network = Network(onnx.load(model_path)).eval()
    if min(network.shape) < 1:
        raise Refused(f"the input's shape is open: {network.shape}")
    example = torch.rand(network.shape) * 2 - 1
    facts = {"version": torch.__version__, "input": network.shape, "output": list(network(example).shape)}
    if calibration is not None:
        network, facts["engine"] = quantize(network, example, calibration)
    facts["int8"] = count_linear(network)
    run = torch.jit.freeze(torch.jit.trace(network, example))
    if calibration is None:
        run = torch.jit.optimize_for_inference(run)
    for _ in range(5):  # the profiling executor settles
        run(example)
    return serve(run, example, facts)


def serve(run, example, facts):
    def timed(milliseconds):
        ns, begin = [], time.perf_counter_ns()
        last = begin
        while len(ns) < MIN_RUNS or (len(ns) < MAX_RUNS and last - begin < milliseconds * 1e6):
            run(example)
            now = time.perf_counter_ns()
            ns.append(now - last)
            last = now
        return {"ns": ns}

    def score(source, target):
        items = np.load(source)
        outputs = [run(torch.from_numpy(item[None])).numpy() for item in items]
        with open(target + ".part", "wb") as file:
            np.save(file, np.concatenate(outputs).astype(np.float32))
        os.replace(target + ".part", target)
        return {"items": len(items)}

    say(facts)
    for line in sys.stdin:
        command, *rest = line.split()
        if command == "quit":
            break
        try:
            if command == "time" and len(rest) == 1:
                say(timed(float(rest[0])))
            elif command == "score" and len(rest) == 2:
                say(score(*rest))
            else:
                raise Refused(f"'{line.strip()}': expected 'time MILLISECONDS', 'score FROM.npy TO.npy' or 'quit'")
        except (Refused, OSError, ValueError, RuntimeError) as error:
            say({"error": str(error)})


def say(answer):
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    try:
        arguments = sys.argv[1:]
        calibration = arguments[3] if arguments[2:3] == ["--int8"] else None
        main(arguments[0], arguments[1], calibration)
    except (Refused, OSError, RuntimeError, AttributeError) as error:
        say({"error": str(error).splitlines()[0] if str(error) else type(error).__name__})
        sys.exit(1)

#!/usr/bin/python3
"""Builds small members of well-known model families with seeded random weights, for tests of the converter
and runtime.

For each NAME, --out gets NAME.onnx, NAME_x.npy (2 inputs, float32 NCHW), NAME_y.npy (what PyTorch answers)
and NAME_calib.npy (16 inputs of the same kind). Files newer than these scripts are kept. The ONNX file has
been evaluated once by onnx_eval.py and agreed with PyTorch.
"""

import argparse
import os
import sys
import warnings
import zlib
from dataclasses import dataclass
from typing import Callable

import numpy as np
import onnx
import torch
import torchvision
from torch import nn

import families_data as data
import families_nets as nets
from onnx_eval import evaluate

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ("families.py", "families_data.py", "families_nets.py", "onnx_eval.py", "rps_noise.py")
CLASSES = 20
CALIBRATION = 16
AGREEMENT = 1e-4  # allowed between PyTorch and the exported graph, as a share of the output's range


@dataclass(frozen=True)
class Family:
    """How one model is built and exported. `any_batch`: the batch is a free dimension of the file, else fixed
    to 1. `keep_bn`: BatchNormalization stays in the graph, else it is absent or folded. `fold`: constant
    folding. `class_spread`: standard deviation between the classes' mean outputs, where that between inputs
    is 1.5."""

    build: Callable[[], nn.Module]
    shape: tuple
    opset: int
    keep_bn: bool
    fold: bool
    any_batch: bool
    inputs: Callable = data.pictures
    class_spread: float = 2.5


def _vision(name, **kwargs):
    return lambda: getattr(torchvision.models, name)(num_classes=CLASSES, **kwargs)


def _densenet():
    """DenseNet-121 with three layers a block instead of 6, 12, 24 and 16, and half its growth."""
    return torchvision.models.DenseNet(16, (3, 3, 3, 3), 32, num_classes=CLASSES)


PICTURE, LARGER = (3, 64, 64), (3, 96, 96)
UNEVEN = (3, 98, 98)  # here, unlike at 96, the ceil_mode of SqueezeNet's pooling adds a row and a column
FAMILIES = {
    #                    build                             shape    opset keep_bn fold any_batch
    "mobilenet_v1": Family(lambda: nets.MobileNetV1(CLASSES), PICTURE, 11, True, False, True),
    "mobilenet_v2": Family(_vision("mobilenet_v2"), LARGER, 13, True, False, True),
    "mobilenet_v3_small": Family(_vision("mobilenet_v3_small"), LARGER, 12, True, False, False),
    "mobilenet_v3_large": Family(_vision("mobilenet_v3_large"), LARGER, 17, False, True, True),
    "resnet18": Family(_vision("resnet18"), PICTURE, 9, False, True, False),
    "resnet50": Family(_vision("resnet50"), PICTURE, 15, True, False, True),
    "vgg11": Family(lambda: nets.Vgg11(CLASSES), (3, 128, 128), 13, True, False, True),
    "squeezenet1_1": Family(_vision("squeezenet1_1"), UNEVEN, 12, False, True, True),
    "shufflenet_v2_x0_5": Family(_vision("shufflenet_v2_x0_5"), LARGER, 9, False, True, False),
    # From opset 11 on, with a free batch, the same network computes its shapes: Shape, Gather, Slice etc.
    "shufflenet_v2_x1_0": Family(_vision("shufflenet_v2_x1_0"), LARGER, 13, True, True, True),
    "efficientnet_b0": Family(_vision("efficientnet_b0"), LARGER, 15, True, True, True),
    "efficientnet_lite0": Family(lambda: nets.EfficientNetLite0(CLASSES), LARGER, 9, False, True, True),
    "densenet121": Family(_densenet, PICTURE, 11, True, False, True),
    "plain_cnn": Family(lambda: nets.PlainCnn(CLASSES // 2), PICTURE, 13, False, True, True),
    "mlp": Family(lambda: nets.Mlp(196, CLASSES // 2), (196,), 17, True, True, True, data.flat_pictures, 0.5),
    "ds_cnn": Family(lambda: nets.DsCnn(12), (1, 49, 10), 9, False, True, False, data.cepstra),
    "autoencoder": Family(nets.Autoencoder, (640,), 11, True, True, True, data.log_mel),
    "conv_autoencoder": Family(nets.ConvAutoencoder, PICTURE, 13, True, True, False),
}


RESIDUAL_BLOCKS = (torchvision.models.resnet.BasicBlock, torchvision.models.resnet.Bottleneck,
                   torchvision.models.mobilenetv2.InvertedResidual,
                   torchvision.models.mobilenetv3.InvertedResidual, torchvision.models.efficientnet.MBConv,
                   nets.LiteBlock)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def _smooth_kernels(weight):
    """He-scaled weights whose kernels are mostly smooth bumps, as trained ones are: pictures pass, noise is
    damped."""
    nn.init.normal_(weight)
    if weight.ndim == 4 and weight.shape[2] * weight.shape[3] > 1:
        y, x = (torch.linspace(-1, 1, n) if n > 1 else torch.zeros(1) for n in weight.shape[2:])
        bump = torch.exp(-y.view(-1, 1)**2 - x**2)
        weight.data = torch.randn(*weight.shape[:2], 1, 1) * bump + 0.25 * weight.data
    fan_in = weight[0].numel()
    weight.data *= (2 / fan_in)**0.5 / weight.std()


def _unit_outputs(module, inputs, output):
    """Forward hook that scales a layer with a bias, while it runs, so that its output has a standard
    deviation of 1."""
    scale = output.std()
    module.weight /= scale
    module.bias /= scale
    return output / scale


def _settle(model, family, rng):
    """Gives the layers plausible weights and batch normalisation the statistics of real activations, so that
    no layer explodes or dies, a small error stays small through the depth (the biases keep most units of a
    layer alive and the residual branches are weaker than what they add to), and the last layer tells both
    inputs and classes apart."""
    layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear))]
    for m in layers:
        _smooth_kernels(m.weight)
        if m.bias is not None:
            nn.init.normal_(m.bias, 0.1, 0.05)
    for m in model.modules():
        if isinstance(m, NORMS):
            nn.init.uniform_(m.weight, 0.6, 1.4)
            nn.init.normal_(m.bias, 0.6, 0.3)
            m.momentum = None  # the plain average over the batches below
            m.train()
    for block in model.modules():
        if isinstance(block, RESIDUAL_BLOCKS):
            branch = [m for name, m in block.named_modules()
                      if isinstance(m, NORMS) and "downsample" not in name]
            nn.init.uniform_(branch[-1].weight, 0.2, 0.5)
            nn.init.normal_(branch[-1].bias, 0, 0.1)

    def batch(n):
        return torch.from_numpy(family.inputs(rng, n, *family.shape))

    with torch.no_grad():
        hooks = [m.register_forward_hook(_unit_outputs) for m in layers if m.bias is not None]
        model(batch(24))
        for hook in hooks:
            hook.remove()
        for m in model.modules():
            if isinstance(m, NORMS):
                m.reset_running_stats()
        for _ in range(4):
            model(batch(24))
        model.eval()
        last, seen = [m for m in layers if not isinstance(m, nn.ConvTranspose2d)][-1], []
        hook = last.register_forward_hook(lambda m, i, o: seen.append(o))
        model(batch(48))
        hook.remove()
        each = seen[0].transpose(0, 1).flatten(1)
        scale = 1.5 / each.std(1).clamp_min(1e-3)
        last.weight *= scale.view(-1, *[1] * (last.weight.ndim - 1))
        last.bias.copy_((last.bias - each.mean(1)) * scale + family.class_spread * torch.randn(len(scale)))


def build(name):
    """(model in evaluation mode, x, calibration inputs): the same for every call."""
    family = FAMILIES[name]
    seed = zlib.crc32(name.encode())
    torch.manual_seed(seed)
    rng = np.random.Generator(np.random.PCG64(seed))
    model = family.build().eval()
    _settle(model, family, rng)
    return model, family.inputs(rng, 2, *family.shape), family.inputs(rng, CALIBRATION, *family.shape)


def _export(model, family, path):
    names = {"input_names": ["input"], "output_names": ["output"]}
    if family.any_batch:
        names["dynamic_axes"] = {"input": {0: "n"}, "output": {0: "n"}}
    mode = torch.onnx.TrainingMode.PRESERVE if family.keep_bn else torch.onnx.TrainingMode.EVAL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.zeros(1, *family.shape), path, training=mode,
                          opset_version=family.opset, do_constant_folding=family.fold, **names)


def _check(name, path, family, x, y):
    """Raises RuntimeError unless the graph at `path` is valid, has the wanted normalisations, and gives
    `y`."""
    graph = onnx.load(path)
    onnx.checker.check_model(graph)
    operators = {node.op_type for node in graph.graph.node}
    if ("BatchNormalization" in operators) != family.keep_bn or "Dropout" in operators:
        raise RuntimeError(f"{name}: exported operators {sorted(operators)}, expected "
                           f"{'a' if family.keep_bn else 'no'} BatchNormalization and no Dropout")
    got = np.concatenate([evaluate(graph, x[i:i + 1]) for i in range(len(x))])
    worst = np.abs(got - y).max() / (y.max() - y.min())
    if not worst <= AGREEMENT:
        raise RuntimeError(f"{name}: the exported graph differs from PyTorch by {worst:.2e} of the output's "
                           f"range, allowed {AGREEMENT:.0e}")
    return sorted(operators)


def write(name, folder):
    """Writes the four files of `name` unless they are newer than the scripts. Returns what happened, in a
    line."""
    family = FAMILIES[name]
    paths = {kind: os.path.join(folder, name + end) for kind, end in
             (("onnx", ".onnx"), ("x", "_x.npy"), ("y", "_y.npy"), ("calib", "_calib.npy"))}
    newest = max(os.path.getmtime(os.path.join(HERE, script)) for script in SCRIPTS)
    if all(os.path.exists(p) and os.path.getmtime(p) > newest for p in paths.values()):
        return f"{name}: up to date"
    model, x, calibration = build(name)
    with torch.no_grad():
        y = model(torch.from_numpy(x)).numpy()
    partial = {kind: f"{path}.{os.getpid()}.tmp" for kind, path in paths.items()}
    try:
        _export(model, family, partial["onnx"])
        operators = _check(name, partial["onnx"], family, x, y)
        for kind, array in (("x", x), ("y", y), ("calib", calibration)):
            with open(partial[kind], "wb") as f:
                np.save(f, array)
        for kind, path in paths.items():
            os.replace(partial[kind], path)
    finally:
        for path in partial.values():
            if os.path.exists(path):
                os.remove(path)
    return f"{name}: {os.path.getsize(paths['onnx']) / 1e6:.2f} MB, {' '.join(operators)}"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", help="folder to write to; made if absent")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=sorted(FAMILIES),
                        default=sorted(FAMILIES))
    parser.add_argument("--list", action="store_true", help="print the families and how each is exported")
    args = parser.parse_args(argv)
    if args.list:
        for name in args.only:
            f = FAMILIES[name]
            shape = ", ".join(map(str, ("n" if f.any_batch else 1, *f.shape)))
            print(f"{name}: input [{shape}], opset {f.opset}, BatchNormalization "
                  f"{'kept' if f.keep_bn else 'folded'}, constants {'folded' if f.fold else 'kept'}")
        return 0
    if not args.out:
        parser.error("--out DIR is needed (or --list)")
    os.makedirs(args.out, exist_ok=True)
    torch.set_num_threads(2)
    for name in args.only:
        print(write(name, args.out), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

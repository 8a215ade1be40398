"""Networks with random weights, exported at any size: what they cost is what is wanted, not what they answer."""
import dataclasses
import os
import warnings

import torch
import torchvision

import families
import families_nets


def export(model, shape, path):
    """Writes a network as ONNX, its batch left open. Batch normalisation gets the statistics of noise, so that activations
    neither die nor explode."""
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            module.momentum = None
    small = [shape[0], *(min(extent, 128) for extent in shape[1:])] if len(shape) == 3 else list(shape)
    with torch.no_grad():
        model.train()(torch.randn(4, *small))
    model.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.zeros(1, *shape), path + ".part", opset_version=13, input_names=["input"],
                          output_names=["output"], dynamic_axes={"input": {0: "n"}, "output": {0: "n"}})
    os.replace(path + ".part", path)


def mobilenet_v2(width, size):
    """export's first two arguments for torchvision's MobileNetV2 with 1000 classes."""
    return torchvision.models.mobilenet_v2(num_classes=1000, width_mult=width).eval(), (3, size, size)


def family(name, size):
    """The same for one of tests/zoo/families.py, pictures at `size`."""
    found = families.FAMILIES[name]
    if len(found.shape) == 3 and found.shape[0] == 3:
        found = dataclasses.replace(found, shape=(3, size, size))
    if name == "vgg11":  # its classifier reads features, not their means
        found = dataclasses.replace(found, build=lambda: families_nets.Vgg11(families.CLASSES, size))
    return found.build().eval(), found.shape

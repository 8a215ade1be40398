"""Networks with random weights, exported at any size: what they cost is what is wanted, not what they answer."""
import os
import warnings

import torch
import torchvision

import families


def export(model, shape, path):
    """Writes a network as ONNX, its batch left open. Batch normalisation gets the statistics of noise, so that activations
    neither die nor explode."""
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(2, *shape))
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
    """The same for one of tests/zoo/families.py, pictures at `size`; a network whose classifier fits only one size keeps that."""
    found = families.FAMILIES[name]
    model = found.build().eval()
    if len(found.shape) == 3 and found.shape[0] == 3:
        try:
            with torch.no_grad():
                model(torch.zeros(1, 3, size, size))
            return model, (3, size, size)
        except RuntimeError as error:
            if "cannot be multiplied" not in str(error):
                raise
    return model, found.shape

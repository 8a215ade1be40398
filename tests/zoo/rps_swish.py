#!/usr/bin/python3
"""Makes everything in rps_swish/: a small MobileNetV3-Small and a small EfficientNet-B0 (torchvision's blocks and
depth, narrow), trained on the same rendered gestures as rps/, exported, and measured on rps/test through the
exported ONNX graph.

They have what MobileNetV2 has not: hard-swish, SiLU, and squeeze-and-excitation.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from typing import Callable

import numpy as np
import torch
from torchvision.models.efficientnet import EfficientNet, MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3

import rps_train
from rps_data import load_split
from rps_export import export
from rps_make import AGREEMENT, HERE, graph_logits
from rps_render import SEED, SPLITS, render_all

CLASSES = 3
INPUT = 96


def mobilenet_v3_small(width=0.4, last_channel=192):
    """MobileNetV3-Small (Howard et al. 2019, arXiv:1905.02244, table 2)."""
    rows = ((16, 3, 16, 16, True, "RE", 2), (16, 3, 72, 24, False, "RE", 2), (24, 3, 88, 24, False, "RE", 1),
            (24, 5, 96, 40, True, "HS", 2), (40, 5, 240, 40, True, "HS", 1), (40, 5, 240, 40, True, "HS", 1),
            (40, 5, 120, 48, True, "HS", 1), (48, 5, 144, 48, True, "HS", 1), (48, 5, 288, 96, True, "HS", 2),
            (96, 5, 576, 96, True, "HS", 1), (96, 5, 576, 96, True, "HS", 1))
    blocks = [InvertedResidualConfig(*row, 1, width) for row in rows]
    return MobileNetV3(blocks, last_channel, num_classes=CLASSES)


def efficientnet_b0(width=0.25, last_channel=128):
    """EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946, table 1)."""
    rows = ((1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3),
            (6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1))
    stages = [MBConvConfig(*row, width_mult=width) for row in rows]
    return EfficientNet(stages, 0.1, 0.1, num_classes=CLASSES, last_channel=last_channel)


@dataclass(frozen=True)
class Network:
    """`sizes`: (input size, epochs), small first, for speed; the last is INPUT."""

    build: Callable[[], torch.nn.Module]
    sizes: tuple
    batch_normalisations: int


NETWORKS = {
    "mobilenet_v3_small_rps": Network(mobilenet_v3_small, ((64, 120), (INPUT, 120)), 34),
    "efficientnet_b0_rps": Network(efficientnet_b0, ((64, 100), (INPUT, 80)), 49),
}


def make(name, data, folder, log=print, epochs=None):
    """Trains network `name` on `data`, writes folder/name.onnx, and returns what metrics.json says of it. Raises
    RuntimeError when the exported graph and PyTorch disagree."""
    network = NETWORKS[name]
    sizes = network.sizes if epochs is None else ((INPUT, epochs),)
    model = rps_train.train(data, sizes=sizes, log=lambda line: log(f"{name}: {line}"), build=network.build,
                            checkpoint=os.path.join(folder, name + ".pt"))
    path = os.path.join(folder, name + ".onnx")
    export(model, path, INPUT, network.batch_normalisations)
    images, labels = load_split(os.path.join(HERE, "rps", "test"), SPLITS["test"], INPUT)
    logits = graph_logits(path, images, INPUT)
    worst = float(np.abs(logits - rps_train.predict(model, images, INPUT)).max())
    if not worst <= AGREEMENT:
        raise RuntimeError(f"{path}: logits differ from PyTorch's by {worst:.2e}, allowed {AGREEMENT:.0e}")
    os.remove(os.path.join(folder, name + ".pt"))
    return {
        "top1": round(float((logits.argmax(1) == labels).mean()), 6),
        "images": len(labels),
        "input": INPUT,
        "params": sum(p.numel() for p in model.parameters()),
        "seed": rps_train.SEED,
        "render_seed": SEED,
        "torch": torch.__version__,
    }


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(HERE, "rps_swish"),
                        help="folder to write to (default: rps_swish/ beside this file)")
    parser.add_argument("--data", help="folder that rps_render.py wrote, instead of rendering again")
    parser.add_argument("--only", nargs="+", choices=sorted(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--epochs", type=int, help="for a trial: so many, all at the full input size")
    args = parser.parse_args(argv)

    def log(line):
        print(line, flush=True)

    os.makedirs(args.out, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        data = args.data
        if not data:
            data = os.path.join(work, "data")
            render_all(data, log=log)
        for name in args.only:
            metrics = make(name, data, args.out, log, args.epochs)
            log(metrics)
            with open(os.path.join(args.out, name + ".json"), "w", encoding="ascii") as f:
                json.dump(metrics, f, indent=2)
                f.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

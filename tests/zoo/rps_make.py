#!/usr/bin/python3
"""Makes everything in rps/ from nothing: renders the pictures, trains the network, exports it, and measures
it.

The network is measured on the very files written to rps/test, and through the exported ONNX graph.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile

import numpy as np
import onnx
import torch

import rps_train
from onnx_eval import evaluate
from rps_data import INPUT, centre_crop, load_split, normalise, split_files
from rps_export import export
from rps_hand import GESTURES
from rps_render import SEED, SPLITS, image_name, render_all

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = "mobilenet_v2_rps.onnx"
CALIBRATION_PER_CLASS = 34
AGREEMENT = 1e-3  # largest difference allowed between a logit of PyTorch and of the exported graph


def _write_list(folder, name, rows):
    with open(os.path.join(folder, name + ".csv"), "w", encoding="ascii") as f:
        f.write("filename,class_index\n")
        f.writelines(f"{name}/{file},{label}\n" for file, label in rows)


def calibration_files():
    """Evenly spaced pictures of the training split: [(file name, class index)]."""
    stride = SPLITS["train"] // CALIBRATION_PER_CLASS
    return [(image_name(gesture, i * stride), label) for label, gesture in enumerate(GESTURES)
            for i in range(CALIBRATION_PER_CLASS)]


def graph_logits(path, images, size=INPUT, batch=31):
    """Logits that the ONNX file at `path` gives for uint8 pictures that load_split read for inputs of `size`."""
    graph = onnx.load(path)
    return np.concatenate([evaluate(graph, normalise(centre_crop(images[i:i + batch], size)))
                           for i in range(0, len(images), batch)])


def assemble(model, data, folder):
    """Writes the model, both picture folders with their lists, labels.txt and metrics.json into the new
    `folder`. Raises RuntimeError when the exported graph and PyTorch disagree."""
    for name, split, rows in (("calib", "train", calibration_files()),
                              ("test", "test", split_files(SPLITS["test"]))):
        os.makedirs(os.path.join(folder, name))
        for file, _ in rows:
            shutil.copyfile(os.path.join(data, split, file), os.path.join(folder, name, file))
        _write_list(folder, name, rows)
    with open(os.path.join(folder, "labels.txt"), "w", encoding="ascii") as f:
        f.writelines(gesture + "\n" for gesture in GESTURES)

    path = os.path.join(folder, MODEL)
    export(model, path)
    images, labels = load_split(os.path.join(folder, "test"), SPLITS["test"])
    logits = graph_logits(path, images)
    worst = float(np.abs(logits - rps_train.predict(model, images)).max())
    if not worst <= AGREEMENT:
        raise RuntimeError(f"{path}: logits differ from PyTorch's by {worst:.2e}, allowed {AGREEMENT:.0e}")
    metrics = {
        "top1": round(float((logits.argmax(1) == labels).mean()), 6),
        "images": len(labels),
        "params": sum(p.numel() for p in model.parameters()),
        "seed": rps_train.SEED,
        "render_seed": SEED,
        "torch": torch.__version__,
    }
    with open(os.path.join(folder, "metrics.json"), "w", encoding="ascii") as f:
        json.dump(metrics, f, indent=2)
        f.write("\n")
    return metrics


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(HERE, "rps"),
                        help="folder to replace (default: rps/ beside this file)")
    parser.add_argument("--data", help="folder that rps_render.py wrote, instead of rendering again")
    parser.add_argument("--state", help="state dictionary that rps_train.py wrote, instead of training again")
    args = parser.parse_args(argv)

    def log(line):
        print(line, flush=True)

    out = os.path.abspath(args.out)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(out)) as work:
        data = args.data
        if not data:
            data = os.path.join(work, "data")
            render_all(data, log=log)
        if args.state:
            model = rps_train.build_model()
            model.load_state_dict(torch.load(args.state))
            model.eval()
        else:
            model = rps_train.train(data, log=log)
        made = os.path.join(work, "rps")
        log(assemble(model, data, made))
        if os.path.exists(out):
            os.rename(out, os.path.join(work, "old"))
        os.rename(made, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

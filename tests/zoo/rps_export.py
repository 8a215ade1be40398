#!/usr/bin/python3
"""Writes the trained network as a float ONNX file with its BatchNormalization nodes still in the graph."""

import argparse
import os
import sys

import onnx
import torch

from rps_data import INPUT
from rps_train import build_model

OPSET = 13
BATCH_NORMALISATIONS = 52


def export(model, path, size=INPUT, batch_normalisations=BATCH_NORMALISATIONS):
    """Writes `path` (opset 13, input `image` [n, 3, size, size], output `logits` [n, 3]); raises RuntimeError
    when the graph is not the network in evaluation mode with every BatchNormalization kept."""
    model.eval()
    partial = path + ".tmp"
    torch.onnx.export(model, torch.zeros(1, 3, size, size), partial, input_names=["image"],
                      output_names=["logits"], dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}},
                      opset_version=OPSET, training=torch.onnx.TrainingMode.PRESERVE,
                      do_constant_folding=False)
    graph = onnx.load(partial)
    onnx.checker.check_model(graph)
    kept = [node for node in graph.graph.node if node.op_type == "BatchNormalization"]
    training = [node.name for node in kept if len(node.output) != 1
                or any(a.name == "training_mode" and a.i for a in node.attribute)]
    if len(kept) != batch_normalisations or training or any(n.op_type == "Dropout" for n in graph.graph.node):
        raise RuntimeError(f"{path}: {len(kept)} BatchNormalization nodes of {batch_normalisations}, in "
                           f"training mode: {training}; expected all in evaluation mode and no Dropout")
    os.replace(partial, path)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", required=True, help="state dictionary that rps_train.py wrote")
    parser.add_argument("--out", required=True, help="ONNX file to write")
    args = parser.parse_args(argv)
    model = build_model()
    model.load_state_dict(torch.load(args.state))
    export(model, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""torchvision's MobileNetV2, where ../shared/data (beside the project) has it, with the channels of its linear bottlenecks
rescaled by up to 100 times: float answers as before, and the default conversion has to bring int8 back. Skips if the
files are not there."""
import json
import os
import sys
import unittest

import numpy as np
import onnx
from onnx import numpy_helper

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../cli"))
import tools  # noqa: E402

DATA = os.path.realpath(os.path.join(tools.SOURCE, "../shared/data"))
SOURCE, CALIB, DEV = (os.path.join(DATA, path) for path in
                      ("mobilenet_v2/torchvision_float.onnx", "imagenet/calib.csv", "imagenet/dev.csv"))
SEEDS = (1, 2, 3)
MARGIN = 0.5  # points


def bottlenecks(graph):
    """Tensors that Conv writes and only Add and Conv read, in sets that additions join."""
    readers, writer = {}, {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
        for name in node.output:
            writer[name] = node
    joined = {}
    for node in graph.node:
        if node.op_type == "Add":
            names = {*node.input, *node.output}
            union = set().union(names, *(joined.get(name, set()) for name in names))
            joined.update((name, union) for name in union)
    found = []
    for name, node in writer.items():
        tensors = joined.get(name, {name})
        plain = all(writer[t].op_type in ("Conv", "Add") and t in readers and
                    all(r.op_type in ("Conv", "Add") for r in readers[t]) for t in tensors)
        if node.op_type == "Conv" and plain and tensors not in found:
            found.append(tensors)
    return found, readers, writer


def damage(source, target, seed):
    """Writes a copy with rescaled channels. Returns how many."""
    model = onnx.load(source)
    constants = {constant.name: constant for constant in model.graph.initializer}
    random = np.random.default_rng(seed)

    def scale(name, factor):
        values = numpy_helper.to_array(constants[name]).astype(np.float64) * factor
        constants[name].CopyFrom(numpy_helper.from_array(values.astype(np.float32), name))

    found, readers, writer = bottlenecks(model.graph)
    touched = 0
    for tensors in found:
        producers = [writer[t] for t in sorted(tensors) if writer[t].op_type == "Conv"]
        channels = numpy_helper.to_array(constants[producers[0].input[1]]).shape[0]
        factor = 100.0 ** -random.random(channels)
        for node in producers:
            scale(node.input[1], factor[:, None, None, None])
            scale(node.input[2], factor)
        for node in (r for t in sorted(tensors) for r in readers[t] if r.op_type == "Conv"):
            scale(node.input[1], 1 / factor[None, :, None, None])
        touched += channels
    onnx.save(model, target)
    return touched


class DamagedMobileNet(tools.ToolTest):
    def convert(self, source, name, *options):
        self.succeed("qconvert", source, "-o", self.path(name), "--preprocess", "torch", "--quiet", *options)
        return self.path(name)

    def evaluate(self, model, reference):
        return json.loads(self.succeed("qeval", model, "--list", DEV, "--reference", reference, "--quiet", "--json"))

    def test_default_conversion_restores_the_copies(self):
        if not all(os.path.exists(path) for path in (SOURCE, CALIB, DEV)):
            self.skipTest("no ../shared/data with MobileNetV2 and its images")
        fp32 = self.convert(SOURCE, "fp32.qfb", "--dtype", "fp32")
        for seed in SEEDS:
            with self.subTest(seed=seed):
                copy = self.path("damaged.onnx")
                self.assertGreater(damage(SOURCE, copy, seed), 600)
                damaged = self.evaluate(self.convert(copy, "damaged.qfb", "--dtype", "fp32"), fp32)
                self.assertGreater(damaged["agreement"], 99.5)  # float answers as before
                repaired = self.evaluate(self.convert(copy, "int8.qfb", "--calibrate", CALIB), fp32)
                print(f"seed {seed}: top-1 {repaired['top1']:.1f} %, agrees {repaired['agreement']:.1f} %", file=sys.stderr)
                self.assertGreaterEqual(repaired["agreement"], 96)
                self.assertGreaterEqual(repaired["top1"], repaired["reference"]["top1"] - MARGIN)


if __name__ == "__main__":
    unittest.main()

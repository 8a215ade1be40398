"""What `qrun` takes of the machine's memory: packed weights, arena and the program itself, and no second copy of the weights."""
import json
import os
import subprocess
import unittest

import numpy as np
import onnx
from onnx import helper, numpy_helper

import tools

GOLDEN = os.path.join(tools.SOURCE, "tests/golden/rps_int8.qfb")
PICTURE = os.path.join(tools.SOURCE, "tests/zoo/rps/test/rock_000.jpg")
DATA = os.path.realpath(os.path.join(tools.SOURCE, "../shared/data"))
MIB = 1 << 20
# Beside the program, the weights and the arena: decoded picture, file pages that hold no weights, heap, tables of the plan,
# code that only a run needs; 2.7 to 3.2 MiB for MobileNetV2.
MARGIN = 7 * MIB // 2


def peak_bytes(*command):
    """The largest resident memory of a program of the build."""
    helper = os.path.join(tools.BUILD, "tests/cli/peak_rss")
    done = subprocess.run([helper, os.path.join(tools.BIN, command[0]), *map(str, command[1:])], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


class Memory(tools.ToolTest):
    def check(self, model, *inputs):
        """The peak with `inputs` stays within program + packed weights + arena + MARGIN; returns it."""
        plan = json.loads(self.succeed("qinspect", model, "--plan", "--json"))["plan"]
        program = peak_bytes("qrun", "--version")
        peak = peak_bytes("qrun", model, *inputs)
        weights = max(plan["packed_weight_bytes"], os.path.getsize(model))  # the verifier reads the file once, before it is packed
        print(f"{os.path.basename(model)}: peak {peak / MIB:.2f} MiB: program {program / MIB:.2f}, weights {weights / MIB:.2f}, "
              f"arena {plan['arena_bytes'] / MIB:.2f}")
        self.assertLess(peak, program + weights + plan["arena_bytes"] + MARGIN)
        return peak

    def test_shipped_model(self):
        self.check(GOLDEN, PICTURE)
        self.check(GOLDEN, PICTURE, "--threads", 2)

    def test_weights_are_not_there_twice(self):
        # Three times the margin in weights, which a second copy would exceed, in layers of a third of it: the one that is being
        # packed is there twice.
        rng = np.random.default_rng(1)
        names, side = [f"w{i}" for i in range(12)], 1024
        weights = [numpy_helper.from_array(rng.normal(0, 0.02, (side, side)).astype(np.float32), name) for name in names]
        nodes = [helper.make_node("Gemm", [f"x{i}", name], [f"x{i + 1}"], transB=1) for i, name in enumerate(names)]
        values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, side]) for name in ("x0", "x12")]
        graph = helper.make_graph(nodes, "layers", values[:1], values[1:], weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), self.path("m.onnx"))
        x = self.path("x.npy")
        np.save(x, rng.normal(0, 1, (4, side)).astype(np.float32))
        self.succeed("qconvert", self.path("m.onnx"), "-o", self.path("m.qfb"), "--calibrate", x, "--quiet")
        self.assertGreater(os.path.getsize(self.path("m.qfb")), 3 * MARGIN)
        self.check(self.path("m.qfb"), "--input", x, "--output", self.path("y.npy"))

    def test_mobilenet_v2(self):
        source = os.path.join(DATA, "mobilenet_v2/torchvision_float.onnx")
        calibration = os.path.join(DATA, "imagenet/calib.csv")
        if not os.path.exists(source) or not os.path.exists(calibration):
            self.skipTest("no ../shared/data/mobilenet_v2 and imagenet")
        self.succeed("qconvert", source, "-o", self.path("m.qfb"), "--calibrate", calibration, "--limit", 4, "--quiet",
                     "--preprocess", "torch")
        np.save(self.path("x.npy"), np.zeros((1, 3, 224, 224), np.float32))
        for threads in (1, 2):
            peak = self.check(self.path("m.qfb"), "--input", self.path("x.npy"), "--output", self.path("y.npy"), "--threads", threads)
            self.assertLessEqual(peak, 16 * MIB)


if __name__ == "__main__":
    unittest.main()

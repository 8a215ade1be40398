"""Each model family: converted and run in float against PyTorch's own output, and in int8 against float.

The models come from tests/zoo/families.py: torchvision's or written by hand, with seeded random weights and normal
statistics. One test per family; `families_test.py Families.test_resnet18` runs one."""
import json
import os
import subprocess
import sys
import unittest

import numpy as np

SOURCE = os.path.realpath(os.environ.get("QRUN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))
BUILD = os.path.realpath(os.environ.get("QRUN_BINARY_DIR", os.path.join(SOURCE, "build/dev")))
FOLDER = os.path.join(BUILD, "families")

# max |ours - PyTorch's| / max |PyTorch's|
FLOAT_TOLERANCE = 1e-4
# Random weights spread their information over all channels evenly and do not learn to be robust: int8 loses more on them
# than on trained networks, and much more in deep ones. The bound catches wrong arithmetic, not lost accuracy.
INT8_COSINE = 0.95


def tool(name, *args):
    done = subprocess.run([os.path.join(BUILD, "bin", name), *args], stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", errors="replace", timeout=280)
    if done.returncode != 0:
        raise AssertionError(f"{name} {' '.join(args)} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def relative_error(values, reference):
    return float(np.abs(values - reference).max() / np.abs(reference).max())


def cosine(a, b):
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


class Families(unittest.TestCase):
    def file(self, name):
        return os.path.join(FOLDER, name)

    def run_model(self, model, x, name, *options):
        out = self.file(name + "_out.npy")
        tool("qrun", model, "--input", x, "--output", out, *options)
        return np.load(out)

    def check(self, name):
        source, x, calib = (self.file(name + suffix) for suffix in (".onnx", "_x.npy", "_calib.npy"))
        reference = np.load(self.file(name + "_y.npy"))
        if not os.path.exists(source):
            self.fail(f"{source} is missing: run tests/zoo/families.py --out {FOLDER}")

        float_model = self.file(name + "_fp32.qfb")
        tool("qconvert", source, "-o", float_model, "--dtype", "fp32", "--quiet")
        values = self.run_model(float_model, x, name + "_fp32")
        self.assertEqual(values.shape, reference.shape)
        error = relative_error(values, reference)
        self.assertLessEqual(error, FLOAT_TOLERANCE)

        # The tolerance means something: a slightly changed input is outside of it.
        changed = np.load(x)
        changed *= np.float32(1.02)
        np.save(self.file(name + "_changed.npy"), changed)
        perturbed = self.run_model(float_model, self.file(name + "_changed.npy"), name + "_changed")
        self.assertGreater(relative_error(perturbed, reference), FLOAT_TOLERANCE)

        int8_model = self.file(name + "_int8.qfb")
        report = json.loads(tool("qconvert", source, "-o", int8_model, "--calibrate", calib, "--json", "-", "--quiet"))
        self.assertTrue(report)
        quantised = self.run_model(int8_model, x, name + "_int8")
        similarity = cosine(quantised, values)
        print(f"{name}: float error {error:.2e}, int8 cosine {similarity:.4f}, "
              f"{os.path.getsize(float_model)} -> {os.path.getsize(int8_model)} bytes", file=sys.stderr)
        self.assertGreaterEqual(similarity, INT8_COSINE)
        self.assertLess(os.path.getsize(int8_model), 0.6 * os.path.getsize(float_model))

        # Nothing is touched beside the memory that the plan asks for: every instruction set, 1 to 4 threads.
        done = subprocess.run([os.path.join(BUILD, "tests/families/guarded_run"), float_model, int8_model],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280)
        self.assertEqual((done.returncode, done.stderr), (0, ""), f"{done.stdout}{done.stderr}")
        print(done.stdout, end="", file=sys.stderr)

        # Two threads and the scalar kernels give the same bytes as the fastest.
        raw = self.run_model(int8_model, x, name + "_raw", "--raw")
        self.assertTrue(np.array_equal(raw, self.run_model(int8_model, x, name + "_raw2", "--raw", "--threads", "2")))

    def test_autoencoder(self):
        self.check("autoencoder")

    def test_conv_autoencoder(self):
        self.check("conv_autoencoder")

    def test_densenet121(self):
        self.check("densenet121")

    def test_ds_cnn(self):
        self.check("ds_cnn")

    def test_efficientnet_b0(self):
        self.check("efficientnet_b0")

    def test_efficientnet_lite0(self):
        self.check("efficientnet_lite0")

    def test_mlp(self):
        self.check("mlp")

    def test_mobilenet_v1(self):
        self.check("mobilenet_v1")

    def test_mobilenet_v2(self):
        self.check("mobilenet_v2")

    def test_mobilenet_v3_large(self):
        self.check("mobilenet_v3_large")

    def test_mobilenet_v3_small(self):
        self.check("mobilenet_v3_small")

    def test_plain_cnn(self):
        self.check("plain_cnn")

    def test_resnet18(self):
        self.check("resnet18")

    def test_resnet50(self):
        self.check("resnet50")

    def test_shufflenet_v2_x0_5(self):
        self.check("shufflenet_v2_x0_5")

    def test_shufflenet_v2_x1_0(self):
        self.check("shufflenet_v2_x1_0")

    def test_squeezenet1_1(self):
        self.check("squeezenet1_1")

    def test_vgg11(self):
        self.check("vgg11")


if __name__ == "__main__":
    unittest.main()

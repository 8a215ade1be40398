"""The model that the project ships, from ONNX to a named picture, with the tools as a user types them."""
import csv
import json
import os
import unittest

import numpy as np

import tools

ZOO = os.path.join(tools.SOURCE, "tests/zoo/rps")
ONNX = os.path.join(ZOO, "mobilenet_v2_rps.onnx")
LABELS = os.path.join(ZOO, "labels.txt")
INT8 = ["--calibrate", os.path.join(ZOO, "calib.csv"), "--preprocess", "torch", "--labels", LABELS, "--quiet"]


class RockPaperScissors(tools.ToolTest):
    def convert(self, name, *options):
        self.succeed("qconvert", ONNX, "-o", self.path(name), *options)
        return self.path(name)

    def accuracy(self, model):
        """Percent of the shipped test pictures that the model names right."""
        with open(os.path.join(ZOO, "test.csv")) as file:
            rows = list(csv.DictReader(file))
        with open(LABELS) as file:
            names = file.read().split()
        images = [os.path.join(ZOO, row["filename"]) for row in rows]
        report = json.loads(self.succeed("qrun", model, *images, "--json", "--top", 1))
        self.assertEqual([result["image"] for result in report["results"]], images)
        best = [result["top"][0]["label"] for result in report["results"]]
        return 100 * np.mean([label == names[int(row["class_index"])] for label, row in zip(best, rows)])

    def test_int8_keeps_accuracy_in_a_quarter_of_the_bytes(self):
        int8, fp32 = self.convert("int8.qfb", *INT8), self.convert("fp32.qfb", "--dtype", "fp32", *INT8[2:])
        with open(os.path.join(ZOO, "metrics.json")) as file:
            metrics = json.load(file)
        # The float file is the network that PyTorch measured; one picture more or less of 372.
        self.assertAlmostEqual(self.accuracy(fp32), 100 * metrics["top1"], delta=0.3)
        self.assertGreaterEqual(self.accuracy(int8), self.accuracy(fp32) - 1)
        self.assertLess(os.path.getsize(int8), 2.6e6)
        self.assertLess(os.path.getsize(int8), 0.3 * os.path.getsize(ONNX))

    def test_conversion_is_reproducible(self):
        first = tools.read(self.convert("first.qfb", *INT8, "--threads", 1))
        for threads in (1, 2):
            self.assertTrue(first == tools.read(self.convert("again.qfb", *INT8, "--threads", threads)))
        other = tools.read(self.convert("other.qfb", *INT8, "--threads", 2, "--limit", 20))
        self.assertFalse(first == other, "fewer calibration pictures must show")

    def test_plan_runs_whole_blocks(self):
        report = json.loads(self.succeed("qinspect", self.convert("int8.qfb", *INT8), "--plan", "--json"))
        kinds = [step["kind"] for step in report["plan"]["steps"]]
        self.assertGreaterEqual(kinds.count("InvertedResidual"), 16)
        self.assertEqual({op["dtype"] for op in report["operators"]}, {"int8"})

    def test_every_layer_of_every_block_is_reported(self):
        report = self.path("report.json")
        self.convert("int8.qfb", *INT8, "--no-equalize", "--no-fold-preprocessing", "--limit", 8, "--json", report)
        report = json.loads(tools.read(report))
        rows = report["layers"]["rows"]
        blocks = {}
        for row in rows:
            if row["block"]:
                blocks.setdefault(row["block"], []).append(row["part"])
        self.assertEqual(len(blocks), report["blocks_fused"])
        for parts in blocks.values():
            self.assertIn(parts, (["expand", "depthwise", "project"], ["expand", "depthwise", "project", "residual"]))
        # Fused and unfused graph are the same to the bit: the last layer's error is the output's. (Rows compare with the
        # float model as repaired, the check with the one that came: equal only where that is the same arithmetic.)
        self.assertEqual(rows[-1]["sqnr_db"], report["check"]["outputs"][0]["sqnr_db"])
        self.assertEqual(rows[-1]["cosine"], report["check"]["outputs"][0]["cosine"])
        self.assertGreater(rows[0]["sqnr_db"], 35)

    def test_damaged_model(self):
        # A real file rather than a tiny one; what still loads must still answer.
        data = bytearray(tools.read(self.convert("int8.qfb", *INT8)))
        with open(os.path.join(ZOO, "test.csv")) as file:
            image = os.path.join(ZOO, next(csv.DictReader(file))["filename"])
        generator = np.random.default_rng(11)
        for _ in range(60):
            spoiled = bytearray(data)
            # The end and the beginning hold the tables, the middle weights.
            for _ in range(4):
                spoiled[generator.choice([generator.integers(4096), -1 - generator.integers(20000)])] ^= 1 << generator.integers(8)
            done = tools.run("qrun", self.write("damaged.qfb", bytes(spoiled)), image)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            self.assertLessEqual(len(done.stderr.splitlines()), 1)
        for size in (100, 5000, len(data) // 2, len(data) - 100):
            self.fail_with(tools.ERROR, "qrun", self.write("short.qfb", data[:size]), image, says="short.qfb")


class Swish(tools.ToolTest):
    """Hard-swish, SiLU and squeeze-and-excitation: networks that lose 7 to 60 points where int8 is not careful."""

    def classes(self, model, images):
        report = json.loads(self.succeed("qrun", model, *images, "--json", "--top", 1))
        return np.array([result["top"][0]["index"] for result in report["results"]])

    def check(self, name, agreement):
        source = os.path.join(tools.SOURCE, "tests/zoo/rps_swish", name + ".onnx")
        fp32, int8, report = self.path("fp32.qfb"), self.path("int8.qfb"), self.path("report.json")
        self.succeed("qconvert", source, "-o", fp32, "--dtype", "fp32", "--preprocess", "torch", "--quiet")
        self.succeed("qconvert", source, "-o", int8, *INT8, "--json", report)
        # Nothing stays float: sigmoid, hard-sigmoid and the swishes are tables, the gates are int8 products.
        self.assertEqual(json.loads(tools.read(report))["quantization"]["kept_float"], [])
        with open(os.path.join(ZOO, "test.csv")) as file:
            rows = list(csv.DictReader(file))
        images = [os.path.join(ZOO, row["filename"]) for row in rows]
        right = np.array([int(row["class_index"]) for row in rows])
        real, quantized = self.classes(fp32, images), self.classes(int8, images)
        self.assertGreaterEqual(100 * np.mean(real == right), 93)
        self.assertGreaterEqual(100 * np.mean(quantized == right), 100 * np.mean(real == right) - 1)
        self.assertGreaterEqual(100 * np.mean(real == quantized), agreement)

    def test_mobilenet_v3_small_keeps_its_accuracy(self):
        self.check("mobilenet_v3_small_rps", 99)

    def test_efficientnet_b0_keeps_its_accuracy(self):
        self.check("efficientnet_b0_rps", 98)


if __name__ == "__main__":
    unittest.main()

"""qconvert --rebuild: the same bytes from what a file records, and named errors where something is not as it was."""
import json
import os
import shutil
import unittest

import numpy as np
from PIL import Image

import tools
from qconvert_test import small_model
from tools import ERROR, USAGE, read


class Conversions(tools.ToolTest):
    """Tests with a small source and pictures."""

    def setUp(self):
        super().setUp()
        self.write("small.onnx", small_model())
        os.mkdir(self.path("photos"))
        for i in range(20):
            pixels = np.random.default_rng(i).integers(0, 256, (11, 13, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(self.path(f"photos/{i:02}.png"))
        self.write("labels.txt", "a\nb\nc\nd\ne\n")

    def convert(self, *options, dtype="int8"):
        """Converts to model.qfb."""
        if dtype == "int8":
            options = ["--calibrate", self.path("photos"), *options]
        self.succeed("qconvert", self.path("small.onnx"), "-o", self.path("model.qfb"), "--dtype", dtype, "--quiet",
                     *options)
        return self.path("model.qfb")


class Golden(Conversions):
    def test_preprocessing_is_checked_against_the_golden_image(self):
        for dtype in ("int8", "fp32"):
            model = self.convert("--preprocess", "torch", dtype=dtype)
            self.assertIn("golden image", self.succeed("qinspect", model, "--check"))
            report = json.loads(self.succeed("qinspect", model, "--check", "--json"))
            self.assertTrue(report["golden_matches"])
            self.succeed("qrun", model, self.path("photos/00.png"))
            # A build that makes other bytes is one whose hash is another.
            stored = int(report["golden_hash"], 16).to_bytes(8, "little")
            data = read(model)
            self.assertEqual(data.count(stored), 1)
            other = self.write("other.qfb", data.replace(stored, bytes(b ^ 1 for b in stored)))
            self.fail_with(ERROR, "qinspect", other, "--check", says=["golden image", "preprocessing"])
            self.fail_with(ERROR, "qrun", other, self.path("photos/00.png"), says="golden image")


class Rebuild(Conversions):
    def rebuild(self, model, *options, **more):
        self.succeed("qconvert", "--rebuild", model, "-o", self.path("again.qfb"), "--quiet", *options, **more)
        self.assertEqual(read(model), read(self.path("again.qfb")))

    def test_int8_with_every_option_that_shapes_it(self):
        model = self.convert("--preprocess", "tf", "--mean", "0.5,0.25,0.75", "--color", "bgr", "--resize", "12", "--limit",
                             "17", "--observer", "mse", "--weights", "per-tensor", "--weight-scale", "mse", "--no-equalize",
                             "--no-smoothing", "--keep-float", "^fc$", "--keep-float", "no such|pool", "--labels", self.path("labels.txt"),
                             "--no-fuse")
        self.rebuild(model)

    def test_the_same_bytes_for_every_isa_and_number_of_threads(self):
        model = self.convert("--preprocess", "torch")
        self.rebuild(model, "--threads", 1)
        self.rebuild(model, "--threads", 3)
        self.rebuild(model, env={"QRUN_ISA": "ref"})

    def test_learnt_rounding(self):
        model = self.convert("--preprocess", "torch", "--learn-rounding", "blocks", "--learn-steps", "20", "--weight-bits", "6",
                             "--activations", "symmetric", "--split-outliers", "--no-bias-absorption")
        self.rebuild(model, "--threads", 3)
        self.rebuild(model, "--threads", 1, env={"QRUN_ISA": "ref"})

    def test_without_data(self):
        self.succeed("qconvert", self.path("small.onnx"), "-o", self.path("model.qfb"), "--data-free", "--preprocess", "torch",
                     "--quiet")
        self.rebuild(self.path("model.qfb"))

    def test_fp32(self):
        self.rebuild(self.convert("--preprocess", "raw", dtype="fp32"))
        self.rebuild(self.convert("--labels", self.path("labels.txt"), dtype="fp32"))

    def test_names_of_options_with_spaces_survive(self):
        self.rebuild(self.convert("--keep-float", "fc|a name with 'quotes' and  spaces"))

    def test_source_and_samples_that_have_moved(self):
        model = self.convert("--preprocess", "torch")
        os.mkdir(self.path("else"))
        shutil.move(self.path("small.onnx"), self.path("else/renamed.onnx"))
        shutil.move(self.path("photos"), self.path("else/pictures"))
        self.fail_with(ERROR, "qconvert", "--rebuild", model, "-o", self.path("again.qfb"),
                       says=["source 'small.onnx'", "--source"])
        self.fail_with(ERROR, "qconvert", "--rebuild", model, "-o", self.path("again.qfb"), "--source",
                       self.path("else/renamed.onnx"), says=["'photos'", "--calibrate"])
        self.rebuild(model, "--source", self.path("else/renamed.onnx"), "--calibrate", self.path("else/pictures"))

    def test_what_is_not_as_it_was_is_named(self):
        model = self.convert("--preprocess", "torch")
        hash_of = json.loads(self.succeed("qinspect", model, "--json"))["provenance"]
        Image.new("RGB", (9, 9)).save(self.path("photos/03.png"))
        self.fail_with(ERROR, "qconvert", "--rebuild", model, "-o", self.path("again.qfb"),
                       says=["photos", "sha256", hash_of["calibration_sha256"]])
        with open(self.path("small.onnx"), "ab") as file:
            file.write(b"\0")
        self.fail_with(ERROR, "qconvert", "--rebuild", model, "-o", self.path("again.qfb"),
                       says=["small.onnx", hash_of["source_sha256"]])
        self.assertFalse(os.path.exists(self.path("again.qfb")))

    def test_wrong_use(self):
        model = self.convert()
        self.fail_with(USAGE, "qconvert", "--rebuild", model, "-o", self.path("x.qfb"), "--observer", "mse", says="--observer")
        self.fail_with(USAGE, "qconvert", self.path("small.onnx"), "-o", self.path("x.qfb"), "--source", "y", says="--rebuild")
        self.fail_with(ERROR, "qconvert", "--rebuild", os.path.join(tools.MODELS, "plain.qfb"), "-o", self.path("x.qfb"),
                       says="does not record")


if __name__ == "__main__":
    unittest.main()

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


class Pixels(Conversions):
    """Models whose input holds pixels: the normalisation is in the first convolution."""

    def scores(self, model, path):
        self.succeed("qrun", model, "--input", path, "--output", self.path("y.npy"))
        return np.load(self.path("y.npy"))

    def test_normalised_values_and_pictures_are_the_same_input(self):
        model = self.convert("--preprocess", "torch", "--fold-preprocessing")
        image = json.loads(self.succeed("qinspect", model, "--json"))["inputs"][0]
        self.assertEqual((image["scale"], len(image["channel_scale"]), len(image["channel_offset"])), (1, 3, 3))
        pixels = np.random.default_rng(7).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(self.path("x.png"))  # as large as the short side before the crop
        pixels = pixels[:8, :8]
        values = (pixels / np.float32(255) - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
        np.save(self.path("values.npy"), values.astype(np.float32).transpose(2, 0, 1)[None])
        np.save(self.path("pixels.npy"), (pixels.astype(np.int16) - 128).astype(np.int8)[None])
        by_value = self.scores(model, self.path("values.npy"))
        self.assertEqual(by_value.tolist(), self.scores(model, self.path("pixels.npy")).tolist())
        found = json.loads(self.succeed("qrun", model, self.path("x.png"), "--json"))["results"][0]["top"]
        self.assertEqual(found[0]["index"], int(by_value.argmax()))

    def test_what_is_not_folded(self):
        self.assertNotIn("channel_offset", json.loads(self.succeed("qinspect", self.convert("--preprocess", "torch", "--no-fold-preprocessing"), "--json"))["inputs"][0])
        for options in (["--activations", "symmetric"], ["--std", "-1"], ["--mean", "2"]):
            self.fail_with(ERROR, "qconvert", self.path("small.onnx"), "-o", self.path("no.qfb"), "--calibrate", self.path("photos"),
                           "--preprocess", "torch", "--fold-preprocessing", *options, says="--fold-preprocessing")
        # By default what cannot be folded is not, and ONNX gets normalised values.
        for options in (["--activations", "symmetric"], ["--std", "-1"], ["--emit-qdq", self.path("qdq.onnx")]):
            model = self.convert("--preprocess", "torch", *options)
            self.assertNotIn("channel_offset", json.loads(self.succeed("qinspect", model, "--json"))["inputs"][0])
            self.succeed("qconvert", "--rebuild", model, "-o", self.path("again.qfb"), "--quiet")
            self.assertEqual(read(model), read(self.path("again.qfb")))
        self.assertIn("channel_offset", json.loads(self.succeed("qinspect", self.convert("--preprocess", "torch"), "--json"))["inputs"][0])
        model = self.convert("--preprocess", "torch", "--fold-preprocessing", "--keep-float", "^conv$")
        image = json.loads(self.succeed("qinspect", model, "--json"))["inputs"][0]
        self.assertEqual((image["dtype"], "channel_offset" in image), ("float32", False))


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

    def test_preprocessing_in_the_first_convolution(self):
        plain = read(self.convert("--preprocess", "torch", "--no-fold-preprocessing"))
        model = self.convert("--preprocess", "torch", "--fold-preprocessing")
        self.assertNotEqual(read(model), plain)
        self.rebuild(model)
        self.rebuild(model, "--threads", 3)
        self.rebuild(model, env={"QRUN_ISA": "ref"})
        self.fail_with(USAGE, "qconvert", self.path("small.onnx"), "-o", self.path("no.qfb"), "--calibrate", self.path("photos"),
                       "--preprocess", "torch", "--fold-preprocessing", "--emit-qdq", self.path("qdq.onnx"), says="--fold-preprocessing")

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

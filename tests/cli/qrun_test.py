"""qrun: what it prints for good input, and what it says about wrong input."""
import json
import os
import random
import unittest

import numpy as np
from PIL import Image

import tools
from tools import ERROR, MODELS, USAGE, read, run

TINY = os.path.join(MODELS, "tiny.qfb")
PLAIN = os.path.join(MODELS, "plain.qfb")
COLORS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250)}


class QrunTest(tools.ToolTest):
    def image(self, color, suffix="png"):
        path = self.path(f"{color}.{suffix}")
        Image.new("RGB", (9, 7), COLORS[color]).save(path)
        return path

    def array(self, values, name="x.npy"):
        np.save(self.path(name), values)
        return self.path(name)


class GoodInput(QrunTest):
    def test_images_are_named(self):
        images = [self.image("red"), self.image("green", "jpg"), self.image("blue")]
        report = json.loads(self.succeed("qrun", TINY, *images, "--json", "--top", 2))
        self.assertEqual([r["top"][0]["label"] for r in report["results"]], ["red", "green", "blue"])
        self.assertEqual([r["image"] for r in report["results"]], images)
        self.assertEqual({len(r["top"]) for r in report["results"]}, {2})
        self.assertEqual(report["dtype"], "int8")
        self.assertEqual(report["file_bytes"], os.path.getsize(TINY))
        self.assertEqual(report["errors"], [])
        for result in report["results"]:
            self.assertGreater(result["run_ms"], 0)
            self.assertTrue(0.4 < result["top"][0]["confidence"] <= 1, result)

    def test_text_output_names_the_class_first(self):
        lines = self.succeed("qrun", TINY, self.image("green")).splitlines()
        self.assertEqual(lines[0], self.path("green.png"))
        self.assertRegex(lines[1], r"^ +\d+\.\d+ %  green$")

    def test_top_beyond_the_classes_prints_them_all(self):
        report = json.loads(self.succeed("qrun", TINY, self.image("red"), "--json", "--top", 1000))
        self.assertEqual(len(report["results"][0]["top"]), 3)

    def test_array_in_the_layout_of_the_source_and_nhwc_are_the_same(self):
        nhwc = np.random.default_rng(1).uniform(-1, 1, (2, 4, 4, 3)).astype(np.float32)
        outputs = []
        for name, values in [("nhwc", nhwc), ("nchw", np.ascontiguousarray(nhwc.transpose(0, 3, 1, 2)))]:
            self.succeed("qrun", PLAIN, "--input", self.array(values), "--output", self.path(name + ".npy"))
            outputs.append(np.load(self.path(name + ".npy")))
        np.testing.assert_array_equal(outputs[0], outputs[1])
        np.testing.assert_allclose(outputs[0], nhwc.mean((1, 2)), atol=1e-6)

    def test_raw_output_is_int8_and_the_other_is_its_real_value(self):
        values = np.random.default_rng(2).integers(-128, 128, (5, 4, 4, 3), dtype=np.int8)
        self.succeed("qrun", TINY, "--input", self.array(values), "--output", self.path("q.npy"), "--raw")
        self.succeed("qrun", TINY, "--input", self.array(values), "--output", self.path("r.npy"))
        raw, real = np.load(self.path("q.npy")), np.load(self.path("r.npy"))
        self.assertEqual((raw.dtype, real.dtype), (np.int8, np.float32))
        np.testing.assert_allclose(real, (raw.astype(np.float32) - 3) * np.float32(0.01), rtol=1e-6)

    def test_profile_lists_every_step(self):
        report = json.loads(self.succeed("qrun", TINY, self.image("red"), "--json", "--profile"))
        self.assertEqual([row["kind"] for row in report["profile"]], ["Conv2D", "Pool2D", "Reshape"])

    def test_forced_isa_is_the_one_that_ran(self):
        for options, env in [(["--isa", "ref"], {}), ([], {"QRUN_ISA": "ref"})]:
            report = json.loads(self.succeed("qrun", TINY, self.image("red"), "--json", *options, env=env))
            self.assertEqual(report["isa"], "ref")

    def test_help_and_version(self):
        self.assertIn("Usage: qrun", self.succeed("qrun", "--help"))
        self.assertRegex(self.succeed("qrun", "--version"), r"^\d+\.\d+\.\d+\n$")


class WrongModel(QrunTest):
    def test_missing(self):
        self.fail_with(ERROR, "qrun", self.path("none.qfb"), self.image("red"), says="none.qfb': No such file")

    def test_folder(self):
        self.fail_with(ERROR, "qrun", self.folder, self.image("red"), says=[self.folder, "not a regular file"])

    def test_empty(self):
        path = self.write("empty.qfb", b"")
        self.fail_with(ERROR, "qrun", path, self.image("red"), says=["empty.qfb", "is empty"])

    def test_text(self):
        path = self.write("notes.qfb", "A model is a flat list of operators.\n" * 9)
        self.fail_with(ERROR, "qrun", path, self.image("red"), says=["notes.qfb", "not a .qfb model"])

    def test_image_as_model(self):
        self.fail_with(ERROR, "qrun", self.image("red"), self.image("red"), says=["red.png", "not a .qfb model"])

    def test_wrong_identifier(self):
        data = bytearray(read(TINY))
        data[4:8] = b"TFL3"
        path = self.write("other.qfb", bytes(data))
        self.fail_with(ERROR, "qrun", path, self.image("red"), says=["other.qfb", "QFB1", "TFL3"])

    def test_truncated(self):
        data, image = read(TINY), self.image("red")
        for size in [1, 4, 7, 8, 9, 64, len(data) // 2, len(data) - 64, len(data) - 1]:
            path = self.write("short.qfb", data[:size])
            self.fail_with(ERROR, "qrun", path, image, says="short.qfb")

    def test_damaged(self):
        # Any bytes: an answer or one error line, never a crash. Most of the damage must be noticed as such.
        data, image = read(TINY), self.image("red")
        random_source = random.Random(20240501)
        refused = 0
        for _ in range(300):
            spoiled = bytearray(data)
            for _ in range(random_source.choice([1, 1, 2, 8])):
                spoiled[random_source.randrange(len(data))] = random_source.choice([0, 1, 0x7F, 0x80, 0xFF])
            done = run("qrun", self.write("damaged.qfb", bytes(spoiled)), image)
            self.assertIn(done.returncode, (0, 1), f"{bytes(spoiled)!r}: {done.stderr}")
            if done.returncode:
                refused += 1
                self.assertRegex(done.stderr, r"\Aqrun: error: [^\n]*damaged\.qfb[^\n]*\n\Z")
        self.assertGreater(refused, 50)


class WrongImage(QrunTest):
    def test_missing_image_is_named_and_the_others_still_run(self):
        done = self.fail_with(ERROR, "qrun", TINY, self.path("none.png"), self.image("blue"), "--json",
                              says=["none.png", "No such file"])
        report = json.loads(done.stdout)
        self.assertEqual([r["top"][0]["label"] for r in report["results"]], ["blue"])
        self.assertEqual([e["image"] for e in report["errors"]], [self.path("none.png")])

    def test_text_as_image(self):
        path = self.write("notes.png", "no image\n")
        self.fail_with(ERROR, "qrun", TINY, path, says=["notes.png"])

    def test_empty_image(self):
        self.fail_with(ERROR, "qrun", TINY, self.write("empty.jpg", b""), says=["empty.jpg"])

    def test_folder_as_image(self):
        self.fail_with(ERROR, "qrun", TINY, self.folder, says=[self.folder])

    def test_truncated_image(self):
        for suffix in ("png", "jpg"):
            data = read(self.image("red", suffix))
            path = self.write(f"short.{suffix}", data[: len(data) // 2])
            self.fail_with(ERROR, "qrun", TINY, path, says=f"short.{suffix}")

    def test_model_without_preprocessing_asks_for_arrays(self):
        self.fail_with(ERROR, "qrun", PLAIN, self.image("red"), says=["--preprocess", "--input"])


class WrongArray(QrunTest):
    def test_missing(self):
        self.fail_with(ERROR, "qrun", PLAIN, "--input", self.path("none.npy"), says=["none.npy", "No such file"])

    def test_text_as_array(self):
        path = self.write("notes.npy", "no array\n")
        self.fail_with(ERROR, "qrun", PLAIN, "--input", path, says="notes.npy")

    def test_wrong_shape_is_told_with_the_right_one(self):
        path = self.array(np.zeros((1, 5, 5, 3), np.float32))
        self.fail_with(ERROR, "qrun", PLAIN, "--input", path, says=["x.npy", "[1, 5, 5, 3]", "[1, 3, 4, 4]"])

    def test_wrong_type(self):
        path = self.array(np.zeros((1, 4, 4, 3), np.float64))
        self.fail_with(ERROR, "qrun", PLAIN, "--input", path, says=["x.npy", "f8"])

    def test_int8_array_for_a_float_model(self):
        path = self.array(np.zeros((1, 4, 4, 3), np.int8))
        self.fail_with(ERROR, "qrun", PLAIN, "--input", path, says=["x.npy", "i1"])

    def test_empty_batch(self):
        path = self.array(np.zeros((0, 4, 4, 3), np.float32))
        self.fail_with(ERROR, "qrun", PLAIN, "--input", path, says=["x.npy", "[0, 4, 4, 3]"])

    def test_output_that_cannot_be_written(self):
        path = self.array(np.zeros((1, 4, 4, 3), np.float32))
        self.fail_with(ERROR, "qrun", PLAIN, "--input", path, "--output", self.path("no/such/y.npy"), says="y.npy")
        self.fail_with(ERROR, "qrun", PLAIN, "--input", path, "--output", self.folder, says=self.folder)


class WrongArguments(QrunTest):
    def test_none(self):
        self.fail_with(USAGE, "qrun", says="model is required")

    def test_no_image(self):
        self.fail_with(USAGE, "qrun", TINY, says=["images", "--input"])

    def test_images_and_arrays(self):
        self.fail_with(USAGE, "qrun", TINY, self.image("red"), "--input", "x.npy", says=["images", "--input"])

    def test_output_for_images(self):
        self.fail_with(USAGE, "qrun", TINY, self.image("red"), "--output", "y.npy", says="--output")

    def test_too_many_inputs_and_outputs(self):
        path = self.array(np.zeros((1, 4, 4, 3), np.float32))
        self.fail_with(USAGE, "qrun", PLAIN, "--input", path, "--input", path, says=["1 input", "2 time"])
        self.fail_with(USAGE, "qrun", PLAIN, "--input", path, "--output", "a", "--output", "b", says="1 output")

    def test_unknown_option(self):
        self.fail_with(USAGE, "qrun", TINY, self.image("red"), "--fast", says="--fast")

    def test_counts(self):
        for option in ("--top", "--repeat", "--threads"):
            for value in ("0", "-1", "many", "1.5", "99999999999"):
                self.fail_with(USAGE, "qrun", TINY, self.image("red"), option, value, says=option.lstrip("-"))

    def test_too_many_threads(self):
        self.fail_with(USAGE, "qrun", TINY, self.image("red"), "--threads", 1000, says=["threads is 1000", "256"])

    def test_unknown_isa_lists_the_known_ones(self):
        image = self.image("red")
        self.fail_with(USAGE, "qrun", TINY, image, "--isa", "sse9", says=["sse9", "ref"])
        self.fail_with(USAGE, "qrun", TINY, image, says=["sse9", "ref"], env={"QRUN_ISA": "sse9"})


if __name__ == "__main__":
    unittest.main()

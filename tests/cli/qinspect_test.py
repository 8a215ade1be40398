"""qinspect: what it prints for good input, and what it says about wrong input."""
import json
import os
import unittest

import tools
from tools import ERROR, MODELS, USAGE, read

TINY = os.path.join(MODELS, "tiny.qfb")
PLAIN = os.path.join(MODELS, "plain.qfb")


class GoodInput(tools.ToolTest):
    def test_json_and_text_tell_of_every_operator(self):
        report = json.loads(self.succeed("qinspect", TINY, "--json"))
        self.assertEqual([op["type"] for op in report["operators"]], ["Conv2D", "Pool2D", "Reshape"])
        text = self.succeed("qinspect", TINY)
        for word in ("Conv2D", "Pool2D", "Reshape", "int8"):
            self.assertIn(word, text)

    def test_plan_names_the_kernel_of_every_step(self):
        report = json.loads(self.succeed("qinspect", TINY, "--plan", "--isa", "ref", "--json"))
        self.assertIn("/ref", report["plan"]["steps"][0]["candidate"])
        self.assertIn("conv2d_s8/ref", self.succeed("qinspect", TINY, "--plan", "--isa", "ref"))

    def test_help_and_version(self):
        self.assertIn("Usage: qinspect", self.succeed("qinspect", "--help"))
        self.assertRegex(self.succeed("qinspect", "--version"), r"^\d+\.\d+\.\d+\n$")


class Diff(tools.ToolTest):
    def test_a_model_equals_itself(self):
        self.assertEqual(self.succeed("qinspect", TINY, "--diff", TINY), "the models are equal\n")
        self.assertTrue(json.loads(self.succeed("qinspect", TINY, "--diff", TINY, "--json"))["equal"])

    def test_models_that_differ_end_with_1(self):
        done = tools.run("qinspect", TINY, "--diff", PLAIN)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertIn("dtype: int8 | float32", done.stdout)
        report = json.loads(tools.run("qinspect", TINY, "--diff", PLAIN, "--json").stdout)
        self.assertFalse(report["equal"])
        self.assertEqual([op["type"] for op in report["operators"]], ["Conv2D", "Pool2D", "Reshape"])

    def test_what_cannot_be_compared_ends_with_2(self):
        done = tools.run("qinspect", TINY, "--diff", self.path("none.qfb"))
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("none.qfb': No such file", done.stderr)


class Check(tools.ToolTest):
    def test_a_model_without_a_golden_image(self):
        self.fail_with(ERROR, "qinspect", TINY, "--check", says="no golden image")


class WrongInput(tools.ToolTest):
    def test_missing(self):
        self.fail_with(ERROR, "qinspect", self.path("none.qfb"), says="none.qfb': No such file")

    def test_folder(self):
        self.fail_with(ERROR, "qinspect", self.folder, says="not a regular file")

    def test_empty(self):
        self.fail_with(ERROR, "qinspect", self.write("empty.qfb", b""), says="is empty")

    def test_text(self):
        self.fail_with(ERROR, "qinspect", self.write("notes.qfb", "text\n" * 99), says="not a .qfb model")

    def test_truncated(self):
        data = read(TINY)
        for size in (3, 8, 60, len(data) // 3, len(data) - 1):
            self.fail_with(ERROR, "qinspect", self.write("short.qfb", data[:size]), says="short.qfb")

    def test_none(self):
        self.fail_with(USAGE, "qinspect", says="model is required")

    def test_two_models(self):
        self.fail_with(USAGE, "qinspect", TINY, TINY, says="not expected")

    def test_unknown_option(self):
        self.fail_with(USAGE, "qinspect", TINY, "--graph", says="--graph")

    def test_plan_options(self):
        self.fail_with(USAGE, "qinspect", TINY, "--plan", "--isa", "sse9", says=["sse9", "ref"])
        self.fail_with(USAGE, "qinspect", TINY, "--plan", "--batch", 0, says="batch")
        self.fail_with(USAGE, "qinspect", TINY, "--plan", "--threads", 0, says="threads")


if __name__ == "__main__":
    unittest.main()

"""qrun --explain: what it prints, and what it says about wrong input. That it names the right layer is tested in
tests/converter/cli/explain_test.cc."""
import json
import os
import unittest

import numpy as np

from rebuild_test import Conversions
from tools import ERROR, MODELS, USAGE


class Explain(Conversions):
    def setUp(self):
        super().setUp()
        self.int8 = self.convert("--preprocess", "torch", "--labels", self.path("labels.txt"))
        os.rename(self.int8, self.path("int8.qfb"))
        self.int8, self.float = self.path("int8.qfb"), self.convert("--preprocess", "torch", dtype="fp32")

    def test_every_layer_is_listed_with_its_lead(self):
        images = [self.path(f"photos/{i:02}.png") for i in range(3)]
        report = json.loads(self.succeed("qrun", self.int8, *images, "--explain", self.float, "--json"))
        self.assertEqual([result["input"] for result in report["results"]], images)
        for result in report["results"]:
            layers = result["layers"]
            self.assertEqual([layers[0]["name"], layers[1]["name"], layers[-1]["name"]], ["input", "conv", "fc"])
            self.assertEqual(result["agrees"], result["float_class"] == result["int8_class"])
            self.assertIn(result["culprit"], [layer["name"] for layer in layers])
            self.assertIn(result["float_label"], "abcde")
            lead = result["float_lead"] + sum(layer["change"] for layer in layers)
            self.assertAlmostEqual(lead, result["int8_lead"], places=5)
            for layer in layers:
                self.assertAlmostEqual(layer["margin"], max(0, -layer["lead"]))
                self.assertEqual(layer["answer"] == result["float_class"], layer["lead"] > 0 or layer["margin"] == 0)
        text = self.succeed("qrun", self.int8, images[0], "--explain", self.float)
        self.assertRegex(text, r"agree on [a-e]|answer changes at")
        self.assertIn("<--", text)

    def test_arrays(self):
        np.save(self.path("x.npy"), np.random.default_rng(3).normal(0, 1, (1, 3, 8, 8)).astype(np.float32))
        report = json.loads(self.succeed("qrun", self.int8, "--input", self.path("x.npy"), "--explain", self.float, "--json"))
        self.assertEqual(len(report["results"]), 1)

    def test_wrong_use(self):
        image = self.path("photos/00.png")
        self.fail_with(ERROR, "qrun", self.int8, image, "--explain", self.int8, says="--dtype fp32")
        self.fail_with(ERROR, "qrun", self.int8, image, "--explain", os.path.join(MODELS, "plain.qfb"), says="5 classes")
        self.fail_with(ERROR, "qrun", self.int8, self.path("none.png"), "--explain", self.float, says="none.png")
        self.fail_with(USAGE, "qrun", self.int8, image, "--explain", self.float, "--repeat", 2, says="--explain")
        np.save(self.path("x.npy"), np.zeros((2, 3, 8, 8), np.float32))
        self.fail_with(USAGE, "qrun", self.int8, "--input", self.path("x.npy"), "--explain", self.float, says="one item")


if __name__ == "__main__":
    unittest.main()

"""Sensitivity, mixed precision and required speed with qconvert, as a user types them."""
import csv
import json
import os
import unittest

import tools

ZOO = os.path.join(tools.SOURCE, "tests/zoo/rps")
ONNX = os.path.join(ZOO, "mobilenet_v2_rps.onnx")
FEW = ["--calibrate", os.path.join(ZOO, "calib.csv"), "--preprocess", "torch", "--quiet", "--limit", 16]
# The check compares with the model that came, the goal with the repaired one: equal only where that is the same arithmetic.
AS_IT_CAME = ("--no-equalize", "--no-fold-preprocessing")


class Precision(tools.ToolTest):
    def convert(self, name, *options):
        """The report and the bytes of the file."""
        self.succeed("qconvert", ONNX, "-o", self.path(name), *FEW, "--json", self.path("report.json"), *options)
        return json.loads(tools.read(self.path("report.json"))), tools.read(self.path(name))

    def refuse(self, code, message, *options):
        self.fail_with(code, "qconvert", ONNX, "-o", self.path("no.qfb"), *FEW, *options, says=message)
        self.assertFalse(os.path.exists(self.path("no.qfb")))

    def test_sensitivity_has_every_layer_and_leaves_the_file_alone(self):
        report, data = self.convert("a.qfb", "--sensitivity")
        plain, same = self.convert("b.qfb")
        self.assertTrue(data == same)
        self.assertIsNone(plain["sensitivity"])
        rows = report["sensitivity"]["rows"]
        self.assertEqual(len(rows), 64)  # 53 layers with weights, 10 sums, one mean
        self.assertEqual(report["sensitivity"]["samples"], 2)
        for row in rows:
            self.assertGreater(row["alone"]["sqnr_db"], report["sensitivity"]["all"]["sqnr_db"] - 10)
            self.assertGreater(row["cost"]["float_us"], row["cost"]["int8_us"])
            self.assertGreater(row["measured"]["float_us"], 0)
            self.assertFalse(row["kept_float"])

    def test_a_goal_is_met_and_its_kept_set_gives_the_same_file(self):
        plain, _ = self.convert("plain.qfb", *AS_IT_CAME)
        goal = plain["check"]["outputs"][0]["sqnr_db"] + 1
        report, data = self.convert("mixed.qfb", *AS_IT_CAME, "--min-sqnr", goal)
        precision = report["precision"]
        self.assertGreaterEqual(precision["after"]["sqnr_db"], goal)
        self.assertLess(precision["before"]["sqnr_db"], goal)
        self.assertEqual(precision["after"]["sqnr_db"], report["check"]["outputs"][0]["sqnr_db"])
        self.assertTrue(0 < len(precision["kept"]) < 30, precision["kept"])
        self.assertFalse(precision["out_of_time"])
        kept = {row["name"] for row in report["quantization"]["kept_float"]}
        self.assertLessEqual(set(precision["kept"]), kept)
        self.assertEqual({row["name"] for row in report["sensitivity"]["rows"] if row["kept_float"]}, set(precision["kept"]))
        for expression in precision["keep_float"]:
            self.assertIn(f"--keep-float {expression}", report["options"])
        self.assertNotIn("--min-sqnr", report["options"])
        named = [word for expression in precision["keep_float"] for word in ("--keep-float", expression)]
        _, again = self.convert("named.qfb", *AS_IT_CAME, *named)
        self.assertTrue(data == again)
        self.succeed("qconvert", self.path("mixed.qfb"), "--rebuild", "--source", ONNX, "--calibrate",
                     os.path.join(ZOO, "calib.csv"), "-o", self.path("rebuilt.qfb"), "--quiet")
        self.assertTrue(data == tools.read(self.path("rebuilt.qfb")))
        _, other_threads = self.convert("threads.qfb", *AS_IT_CAME, "--min-sqnr", goal, "--threads", 3)
        self.assertTrue(data == other_threads)

    def test_labels_count_instead_of_agreement(self):
        with open(os.path.join(ZOO, "test.csv")) as file:
            rows = list(csv.DictReader(file))[::24]
        with open(self.path("few.csv"), "w") as file:
            file.writelines(f"{row['filename']},{row['class_index']}\n" for row in rows)
        report, _ = self.convert("a.qfb", "--max-drop", 1, "--labels-list", self.path("few.csv"), "--root", ZOO)
        after = report["precision"]["after"]
        self.assertGreaterEqual(after["float_accuracy"], 90)
        self.assertLessEqual(after["float_accuracy"] - after["accuracy"], 1)
        self.refuse(1, "class 3, but the model has 3", "--max-drop", 1, "--labels-list", self.path("few.csv"), "--root", ZOO,
                    "--label-offset", 1)

    def test_a_goal_out_of_reach_writes_nothing(self):
        self.refuse(1, "the goal (--min-sqnr 500) was missed", "--min-sqnr", 500)

    def test_a_budget_that_is_over_says_so(self):
        self.refuse(1, "time", "--min-sqnr", 60, "--time-budget", "0.001s")

    def test_required_speed(self):
        report, _ = self.convert("a.qfb", "--require-speedup", 0.01)
        self.assertGreater(report["speed"]["speedup"], 0.01)
        self.assertEqual(report["speed"]["speedup"], report["speed"]["float_us"] / report["speed"]["int8_us"])
        self.refuse(1, "--require-speedup asks for 1000", "--require-speedup", 1000)

    def test_wrong_arguments(self):
        self.refuse(2, "expected a time such as", "--min-sqnr", 10, "--time-budget", "5x")
        self.refuse(2, "--time-budget goes with", "--time-budget", "5m")
        self.refuse(2, "--labels-list goes with --max-drop", "--labels-list", "a.csv")
        self.refuse(2, "--root and --label-offset go with", "--max-drop", 1, "--root", "x")
        self.refuse(2, "they go with --dtype int8", "--dtype", "fp32", "--require-speedup", 2)


if __name__ == "__main__":
    unittest.main()

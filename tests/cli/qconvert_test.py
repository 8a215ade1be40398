"""qconvert on damaged files: any bytes get an answer or one error line, never a crash and never half a model. What it
says about wrong arguments is in tests/converter/cli/qconvert_test.cc. And what it reports of tensors that a repair widened."""
import json
import os
import random
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import tools
from tools import ERROR, run


def small_model():
    """Bytes of an ONNX file: convolution, ReLU, pooling, fully connected."""
    generator = np.random.default_rng(5)

    def weights(name, *shape):
        return numpy_helper.from_array(generator.normal(0, 0.3, shape).astype(np.float32), name)

    nodes = [helper.make_node("Conv", ["image", "w", "b"], ["conv"], name="conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
             helper.make_node("Relu", ["conv"], ["relu"], name="relu"),
             helper.make_node("GlobalAveragePool", ["relu"], ["pool"], name="pool"),
             helper.make_node("Flatten", ["pool"], ["flat"], name="flat"),
             helper.make_node("Gemm", ["flat", "v", "c"], ["scores"], name="fc", transB=1)]
    graph = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 5])],
        [weights("w", 4, 3, 3, 3), weights("b", 4), weights("v", 5, 4), weights("c", 5)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString()


class Damaged(tools.ToolTest):
    def convert(self, data):
        """Converts these bytes; checks manners. Returns the exit code."""
        target = self.path("model.qfb")
        if os.path.exists(target):
            os.remove(target)
        done = run("qconvert", self.write("damaged.onnx", data), "-o", target, "--dtype", "fp32", "--quiet")
        self.assertIn(done.returncode, (0, 1), f"{data!r}: {done.stderr}")
        errors = [line for line in done.stderr.splitlines() if not line.startswith("qconvert: warning: ")]
        if done.returncode:
            self.assertTrue(errors and errors[0].startswith("qconvert: error: "), done.stderr)
            self.assertEqual(sorted(os.listdir(self.folder)), ["damaged.onnx"], "a failure leaves no file behind")
        else:
            self.assertEqual(errors, [])
            # Whatever was converted loads.
            self.succeed("qinspect", target, "--plan")
        return done.returncode

    def test_the_whole_file_converts(self):
        self.assertEqual(self.convert(small_model()), 0)

    def test_truncated(self):
        data = small_model()
        for size in [1, 2, 10, *range(20, len(data), len(data) // 40), len(data) - 1]:
            self.convert(data[:size])

    def test_damaged_bytes(self):
        data, source, refused = small_model(), random.Random(9), 0
        for _ in range(250):
            spoiled = bytearray(data)
            for _ in range(source.choice([1, 1, 3, 10])):
                spoiled[source.randrange(len(data))] = source.choice([0, 1, 2, 0x7F, 0x80, 0xFF, source.randrange(256)])
            refused += self.convert(bytes(spoiled))
        self.assertGreater(refused, 20)

    def test_external_weights_that_are_not_there(self):
        model = onnx.load_from_string(small_model())
        onnx.save(model, self.path("model.onnx"), save_as_external_data=True, location="weights.bin", size_threshold=0)
        os.remove(self.path("weights.bin"))
        self.fail_with(ERROR, "qconvert", self.path("model.onnx"), "-o", self.path("model.qfb"), "--dtype", "fp32",
                       "--quiet", says=["weights.bin"])
        self.assertFalse(os.path.exists(self.path("model.qfb")))


def loud_model():
    """3 -> 24 channels, of which one is 8 times as loud and hardly listened to -> 6, on 6x6 pixels: its outlier is worth splitting."""
    generator = np.random.default_rng(5)
    wide = generator.uniform(-0.6, 0.6, (24, 3, 1, 1)).astype(np.float32)
    out = generator.uniform(-0.5, 0.5, (6, 24, 1, 1)).astype(np.float32)
    wide[7] *= 8
    out[:, 7] *= 0.02
    nodes = [helper.make_node("Conv", ["x", "wide.wei"], ["a"], name="wide"), helper.make_node("Relu", ["a"], ["b"], name="relu"),
             helper.make_node("Conv", ["b", "out.wei"], ["y"], name="out")]
    graph = helper.make_graph(nodes, "loud", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 6, 6])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 6, 6, 6])],
                              [numpy_helper.from_array(wide, "wide.wei"), numpy_helper.from_array(out, "out.wei")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString()


class SplitOutliers(tools.ToolTest):
    """Tensors get channels that the source does not have; what looks at layers has to live with that."""

    def test_json_report_and_findings(self):
        np.save(self.path("x.npy"), np.random.default_rng(1).normal(0, 1, (40, 3, 6, 6)).astype(np.float32))
        self.write("loud.onnx", loud_model())
        reports = {}
        for split in (True, False):
            self.succeed("qconvert", self.path("loud.onnx"), "-o", self.path("m.qfb"), "--calibrate", self.path("x.npy"), "--no-equalize",
                         "--observer", "minmax", "--sensitivity", "--json", self.path("r.json"),
                         "--split-outliers" if split else "--no-split-outliers")
            reports[split] = json.loads(tools.read(self.path("r.json")))
        names = {split: [step["name"] for step in report["repairs"]] for split, report in reports.items()}
        self.assertEqual((names[True].count("split outliers"), names[False].count("split outliers")), (1, 0))
        for split, channels in ((True, 25), (False, 24)):
            rows = {row["name"]: row for row in reports[split]["layers"]["rows"]}
            self.assertEqual(rows["wide"]["shape"], [1, 6, 6, channels])
            self.assertEqual(len(rows["wide"]["weights"]["channel_max"]), channels)
            self.assertEqual(rows["wide"]["activations"]["values"], rows["wide"]["activations"]["values"] // channels * channels)
            for row in rows.values():
                if row["dtype"] == "int8":
                    self.assertGreater(row["sqnr_db"], 10)
                    self.assertGreater(row["saturation"]["channels"] if row["saturation"] else 1, 0)
        wide = {split: next(row for row in report["layers"]["rows"] if row["name"] == "wide") for split, report in reports.items()}
        self.assertAlmostEqual(wide[True]["activations"]["max"] / wide[False]["activations"]["max"], 0.5, delta=0.1)
        self.assertGreater(reports[True]["check"]["outputs"][0]["sqnr_db"], reports[False]["check"]["outputs"][0]["sqnr_db"] + 3)
        # The page is the same JSON.
        done = tools.run("qconvert", self.path("loud.onnx"), "-o", self.path("m.qfb"), "--calibrate", self.path("x.npy"), "--no-equalize",
                         "--observer", "minmax", "--split-outliers", "--quiet", "--report", self.path("r.html"))
        if "libjs-chart.js" not in done.stderr:
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(b'"shape":[1,6,6,25]', tools.read(self.path("r.html")))


if __name__ == "__main__":
    unittest.main()

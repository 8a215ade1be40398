"""Published models on real data, where ../shared/data (beside the project) has them: they convert, they run, and int8
keeps the accuracy. Every test skips if its files are not there."""
import csv
import json
import os
import sys
import unittest

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../cli"))
import tools  # noqa: E402

DATA = os.path.realpath(os.path.join(tools.SOURCE, "../shared/data"))
TFQ = ["--resize", 184, "--crop", 160, "--mean", ",".join(["0.50196078"] * 3), "--std", ",".join(["0.50196078"] * 3)]


# What int8 may lose, in points of 500 pictures (one answer is 0.2); every build makes the same file. Where 4 % of the answers
# change, the difference of two scores has a standard error of 0.9 points.
INT8_MARGIN = 1.0


def data(path):
    """The full path of a data file; skips the test if it is not there."""
    full = os.path.join(DATA, path)
    if not os.path.exists(full):
        raise unittest.SkipTest(f"no ../shared/data/{path}")
    return full


class RealModelTest(tools.ToolTest):
    def convert(self, source, *options, name="model.qfb"):
        """Converts a model and returns the file's path."""
        self.succeed("qconvert", data(source), "-o", self.path(name), "--quiet", *options)
        return self.path(name)

    def images(self):
        """(paths, classes) of the development list."""
        with open(data("imagenet/dev.csv")) as file:
            rows = list(csv.DictReader(file))
        return [data("imagenet/" + row["filename"]) for row in rows], np.array([int(row["class_index"]) for row in rows])

    def classify(self, model, images):
        """The best class of every image."""
        report = json.loads(self.succeed("qrun", model, *images, "--json", "--top", 1))
        self.assertEqual(len(report["results"]), len(images))
        return np.array([result["top"][0]["index"] for result in report["results"]])

    def scores(self, model, values, name="x.npy"):
        """What the model answers to an array."""
        np.save(self.path(name), values)
        self.succeed("qrun", model, "--input", self.path(name), "--output", self.path("y.npy"))
        return np.load(self.path("y.npy"))

    def check_accuracy(self, float_percent, int8_percent, expected, float_margin, int8_margin):
        print(f"top-1: float {float_percent:.2f} %, int8 {int8_percent:.2f} %", file=sys.stderr)
        self.assertLessEqual(abs(float_percent - expected), float_margin)
        self.assertGreaterEqual(int8_percent, float_percent - int8_margin)


class Images(RealModelTest):
    def compare(self, source, expected, *options, label_offset=0, int8_margin=INT8_MARGIN, agreement=92):
        images, classes = self.images()
        fp32 = self.convert(source, "--dtype", "fp32", *options, name="fp32.qfb")
        int8 = self.convert(source, "--calibrate", data("imagenet/calib.csv"), *options, name="int8.qfb")
        answers = [self.classify(model, images) for model in (fp32, int8)]
        percent = [100 * np.mean(answer == classes + label_offset) for answer in answers]
        # 0.3 points: one image of 500 more or less. The float networks are the ones whose accuracy is known.
        self.check_accuracy(*percent, expected, 0.3, int8_margin)
        self.assertGreaterEqual(100 * np.mean(answers[0] == answers[1]), agreement)
        self.assertLess(os.path.getsize(int8), 0.3 * os.path.getsize(fp32))
        return fp32, int8

    def test_mobilenet_v2(self):
        labels = data("imagenet/labels.txt")
        fp32, int8 = self.compare("mobilenet_v2/torchvision_float.onnx", 85.8, "--preprocess", "torch", "--labels", labels,
                                  int8_margin=0.6, agreement=95)
        # By name, as a person would ask: three pictures that float is sure of.
        with open(labels) as file:
            names = file.read().splitlines()
        images, classes = self.images()
        sure = [result["image"] for result in json.loads(self.succeed("qrun", fp32, *images[:30], "--json"))["results"]
                if result["top"][0]["confidence"] > 0.95][:3]
        self.assertEqual(len(sure), 3)
        report = json.loads(self.succeed("qrun", int8, *sure, "--json"))
        self.assertEqual([result["top"][0]["label"] for result in report["results"]],
                         [names[classes[images.index(image)]] for image in sure])

    def test_mobilenet_v1(self):
        self.compare("mobilenet_v1/v1_0.5_160_float.onnx", 68.6, "--preprocess", "tf", *TFQ, label_offset=1)

    def test_squeezenet(self):
        self.compare("squeezenet/squeezenet1.1_float.onnx", 62.0, "--preprocess", "torch")

    def test_visual_wake_words(self):
        # No labelled images: int8 must decide as float does.
        images, _ = self.images()
        options = ["--preprocess", "raw", "--resize", "stretch", "--mean", "0,0,0", "--std", "1,1,1"]
        fp32 = self.convert("mlperf_tiny/vww_float.onnx", "--dtype", "fp32", *options, name="fp32.qfb")
        int8 = self.convert("mlperf_tiny/vww_float.onnx", "--calibrate", data("imagenet/calib.csv"), *options)
        self.assertGreater(np.mean(self.classify(fp32, images) == self.classify(int8, images)), 0.95)


class Arrays(RealModelTest):
    def both(self, source, calibration):
        return (self.convert(source, "--dtype", "fp32", name="fp32.qfb"),
                self.convert(source, "--calibrate", calibration, name="int8.qfb"))

    def test_keyword_spotting(self):
        models = self.both("mlperf_tiny/kws_float.onnx", data("mlperf_tiny/kws_calib_f32.npy"))
        values, classes = np.load(data("mlperf_tiny/kws_x_f32.npy")), np.load(data("mlperf_tiny/kws_y.npy"))
        percent = [100 * np.mean(self.scores(model, values).argmax(-1) == classes) for model in models]
        self.check_accuracy(*percent, 91.75, 0.01, INT8_MARGIN)

    def test_resnet8(self):
        models = self.both("mlperf_tiny/resnet8_float.onnx", data("cifar10/calib_u8_nhwc.npy"))
        values, classes = np.load(data("cifar10/x_u8_nhwc.npy")), np.load(data("cifar10/y.npy"))
        percent = [100 * np.mean(self.scores(model, values).argmax(-1) == classes) for model in models]
        self.check_accuracy(*percent, 76.3, 0.11, INT8_MARGIN)

    def test_anomaly_detection(self):
        # No recorded data: frames of the right size. The reconstruction must be close to float's.
        values = np.random.default_rng(7).normal(-40, 15, (64, 640)).astype(np.float32)
        data("mlperf_tiny/ad_float.onnx")
        np.save(self.path("calib.npy"), values)
        fp32, int8 = (self.scores(model, values) for model in self.both("mlperf_tiny/ad_float.onnx", self.path("calib.npy")))
        self.assertGreater(np.corrcoef(fp32.ravel(), int8.ravel())[0, 1], 0.99)


if __name__ == "__main__":
    unittest.main()

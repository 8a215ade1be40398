#!/usr/bin/python3
"""Holds the committed rock-paper-scissors files to the scripts: the pictures render again to the same bytes,
the lists name the files, and the network scores on them what metrics.json says. Run it as a script; it takes
some seconds."""

import csv
import json
import os
import unittest

import onnx

import rps_swish
from rps_data import load_split
from rps_hand import GESTURES
from rps_make import HERE, MODEL, calibration_files, graph_logits
from rps_render import SPLITS, image_name, render_jpeg

RPS = os.path.join(HERE, "rps")


def _read(*path):
    with open(os.path.join(RPS, *path), "rb") as f:
        return f.read()


class Pictures(unittest.TestCase):
    def test_render_again_to_the_same_bytes(self):
        for gesture, index in (("rock", 0), ("rock", 57), ("paper", 3), ("paper", 123), ("scissors", 88)):
            self.assertEqual(render_jpeg("test", gesture, index), _read("test", image_name(gesture, index)),
                             f"{gesture} {index} of the test split")
        file, label = calibration_files()[40]
        index = int(file.split("_")[1].split(".")[0])
        self.assertEqual(render_jpeg("train", GESTURES[label], index), _read("calib", file), file)

    def test_seed_split_and_index_all_matter(self):
        base = render_jpeg("test", "rock", 1)
        self.assertNotEqual(base, render_jpeg("test", "rock", 2))
        self.assertNotEqual(base, render_jpeg("train", "rock", 1))
        self.assertNotEqual(base, render_jpeg("test", "rock", 1, seed=1))

    def test_lists_name_every_file_once(self):
        for name, count in (("test", 3 * SPLITS["test"]), ("calib", len(calibration_files()))):
            with open(os.path.join(RPS, name + ".csv"), newline="", encoding="ascii") as f:
                rows = list(csv.DictReader(f))
            self.assertEqual(len(rows), count)
            self.assertEqual(sorted(r["filename"] for r in rows),
                             sorted(f"{name}/{file}" for file in os.listdir(os.path.join(RPS, name))))
            for row in rows:
                self.assertIn(f"/{GESTURES[int(row['class_index'])]}_", row["filename"])
        self.assertEqual(_read("labels.txt").decode().split(), list(GESTURES))


class Network(unittest.TestCase):
    def test_scores_what_the_metrics_say(self):
        metrics = json.loads(_read("metrics.json"))
        images, labels = load_split(os.path.join(RPS, "test"), SPLITS["test"])
        self.assertEqual(metrics["images"], len(images))
        top1 = float((graph_logits(os.path.join(RPS, MODEL), images).argmax(1) == labels).mean())
        # On another CPU the sums round differently, and a near tie may fall the other way.
        self.assertAlmostEqual(top1, metrics["top1"], delta=1.01 / len(images))
        self.assertGreaterEqual(top1, 0.97)

    def test_keeps_every_batch_normalisation(self):
        nodes = onnx.load(os.path.join(RPS, MODEL)).graph.node
        self.assertEqual(sum(n.op_type == "BatchNormalization" for n in nodes), 52)


class SwishNetworks(unittest.TestCase):
    def test_score_what_their_metrics_say(self):
        for name, network in rps_swish.NETWORKS.items():
            with open(os.path.join(HERE, "rps_swish", name + ".json"), encoding="ascii") as f:
                metrics = json.load(f)
            path = os.path.join(HERE, "rps_swish", name + ".onnx")
            images, labels = load_split(os.path.join(RPS, "test"), SPLITS["test"], rps_swish.INPUT)
            top1 = float((graph_logits(path, images, rps_swish.INPUT).argmax(1) == labels).mean())
            self.assertAlmostEqual(top1, metrics["top1"], delta=1.01 / len(images), msg=name)
            self.assertGreaterEqual(top1, 0.93, name)
            kept = sum(n.op_type == "BatchNormalization" for n in onnx.load(path).graph.node)
            self.assertEqual(kept, network.batch_normalisations, name)
            self.assertEqual(sum(p.numel() for p in network.build().parameters()), metrics["params"], name)


if __name__ == "__main__":
    unittest.main()

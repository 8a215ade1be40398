"""The sweeps at their smallest: what they time, what they write, and that a second run converts nothing again."""
import json
import os
import subprocess
import sys
import unittest

ROOT = os.path.realpath(os.environ.get("QRUN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))
sys.path.insert(0, os.path.join(ROOT, "tests/cli"))
import tools  # noqa: E402


class Sweeps(tools.ToolTest):
    def sweep(self, name, *arguments):
        rounds = [] if name == "accuracy" else ["--rounds", "2"]
        return subprocess.run(["bash", os.path.join(ROOT, f"bench/{name}.sh"), "--build", tools.BUILD, "--out", self.path("out"), *rounds,
                               *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def report(self, name, *arguments):
        """(the JSON, what was printed) of a sweep that must succeed."""
        done = self.sweep(name, "--json", self.path("r.json"), *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(self.path("r.json")) as file:
            return json.load(file), done.stdout

    def made(self, kind=".qfb"):
        """The converted models, or results, with the times at which they were made."""
        names = [name for name in os.listdir(self.path("out")) if name.endswith(kind) and name != "accuracy.json"]
        return {name: os.stat(os.path.join(self.path("out"), name)).st_mtime_ns for name in names}

    def test_growth(self):
        arguments = ["--sizes", "32,64", "--widths", "0.35", "--batches", "2", "--size", "32", "--threads", "1"]
        report, printed = self.report("growth", *arguments)
        self.assertEqual(sorted(report), ["date", "machine", "options", "points", "tool", "version"])
        self.assertEqual(report["tool"], "growth")
        points = report["points"]
        self.assertEqual(len(points), (2 + 1 + 1) * 2)
        for point in points:
            self.assertEqual(sorted(point), ["arena_bytes", "axis", "batch", "dtype", "gmacs_per_second", "isa", "macs", "median_ms", "min_ms",
                                             "size", "threads", "width"])
            self.assertGreaterEqual(point["median_ms"], point["min_ms"])
            self.assertAlmostEqual(point["gmacs_per_second"], point["macs"] / point["median_ms"] / 1e6)
        macs = {(p["size"], p["width"], p["batch"]): p["macs"] for p in points}
        self.assertEqual(sorted(macs), [(32, 0.35, 1), (32, 1.0, 1), (32, 1.0, 2), (64, 1.0, 1)])
        self.assertEqual(macs[32, 1.0, 2], 2 * macs[32, 1.0, 1])
        self.assertGreater(macs[64, 1.0, 1], 2 * macs[32, 1.0, 1])
        self.assertLess(macs[32, 0.35, 1], macs[32, 1.0, 1])
        arena = {(p["size"], p["width"], p["batch"]): p["arena_bytes"] for p in points if p["dtype"] == "int8" and p["threads"] == 1}
        self.assertGreater(arena[32, 1.0, 2], arena[32, 1.0, 1], "the batch is run at once")
        for title in ("| size ", "| width", "| batch"):
            self.assertIn(title, printed)

        before = self.made()
        self.assertEqual(len(before), 2 * 3)
        done = self.sweep("growth", "--sizes", "32", "--widths", "1", "--batches", "1", "--size", "32", "--html", self.path("page.html"))
        if "has no Chart.js" not in done.stderr:
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            page = tools.read(self.path("page.html")).decode()
            self.assertIn('"tool":"growth"', page.replace(" ", ""))
        self.assertEqual(self.made(), before, "converted models are kept")

    def test_families(self):
        isas = json.loads(self.succeed("qbench", os.path.join(ROOT, "tests/golden/rps_int8.qfb"), "--rounds", 2, "--json", "--quiet"))["machine"]["isas"]
        chosen = [isas[0], isas[-2]] if len(isas) > 2 else isas[:1]
        report, printed = self.report("families", "--only", "ds_cnn,mlp,keyword spotting", "--isa", ",".join(chosen), "--data", self.path("none"))
        self.assertEqual(sorted(report), ["absent", "date", "machine", "options", "results", "tool", "version"])
        self.assertEqual([(row["name"], row["isa"]) for row in report["results"]], [(name, isa) for isa in chosen for name in ("mlp", "ds_cnn")])
        for row in report["results"]:
            self.assertEqual(sorted(row), ["float_ms", "int8_ms", "isa", "macs", "name", "speedup", "speedup_ci95", "threads", "verdict"])
            self.assertGreater(row["speedup"], 0)
        self.assertEqual(list(report["absent"]), ["keyword spotting"])
        self.assertIn("keyword spotting: left out: no ", printed)
        for isa in chosen:
            self.assertIn(f"| {isa}, 1 thread(s)", printed)

    def accuracy(self, *arguments, convert=()):
        """Arguments of accuracy.sh for some pictures of the shipped model."""
        zoo = os.path.join(ROOT, "tests/zoo/rps")
        with open(os.path.join(zoo, "test.csv")) as file:
            lines = file.readlines()
        with open(self.path("some.csv"), "w") as file:
            file.writelines(lines[:1] + lines[1::12])
        return [os.path.join(zoo, "mobilenet_v2_rps.onnx"), "--calibrate", os.path.join(zoo, "calib.csv"), "--list", self.path("some.csv"), "--root", zoo,
                *arguments, "--", "--preprocess", "torch", "--limit", "18", *convert]

    def test_accuracy(self):
        only = [word for name in ("no repair", "equalise", "all", "default", "default, mse") for word in ("--only", name)]
        report, printed = self.report("accuracy", *self.accuracy(*only))
        self.assertEqual(sorted(report), ["date", "float", "options", "rows", "tool", "version"])
        self.assertEqual((report["tool"], report["options"]["images"]), ("accuracy", 31))
        rows = {(row["name"], row["weights"]): row for row in report["rows"]}
        self.assertEqual(len(rows), 2 * 5)
        for row in rows.values():
            self.assertEqual(sorted(row), ["agreement", "auc", "file_bytes", "loss", "name", "options", "retention", "seconds", "sqnr_db", "top1", "top5", "weights"])
            self.assertGreater(row["seconds"], 0)
            self.assertGreater(row["sqnr_db"], 10)
        self.assertIn("--no-equalize", rows["no repair", "per-channel"]["options"])
        self.assertNotIn("--no-equalize", rows["equalise", "per-channel"]["options"])
        self.assertEqual(rows["default", "per-tensor"]["options"], "")
        self.assertNotEqual(rows["no repair", "per-channel"]["sqnr_db"], rows["no repair", "per-tensor"]["sqnr_db"])
        self.assertNotEqual(rows["no repair", "per-channel"]["sqnr_db"], rows["equalise", "per-channel"]["sqnr_db"])
        self.assertGreaterEqual(report["float"]["top1"], 90)
        self.assertIn("SQNR, channel", printed)
        self.assertIn("| default, mse", printed)

        # What a row says is what the tools say.
        model, plain = self.path("again.qfb"), self.path("plain.qfb")
        arguments = self.accuracy()
        source, evaluate, convert = arguments[0], arguments[3:7], arguments[8:]
        self.succeed("qconvert", source, "-o", plain, "--dtype", "fp32", "--quiet", *convert)
        row = rows["equalise", "per-tensor"]
        self.succeed("qconvert", source, "-o", model, "--calibrate", arguments[2], "--quiet", *convert, "--weights", "per-tensor", *row["options"].split())
        again = json.loads(self.succeed("qeval", model, "--reference", plain, *evaluate, "--quiet", "--json"))
        self.assertEqual({key: again[key] for key in ("top1", "agreement", "sqnr_db", "loss")}, {key: row[key] for key in ("top1", "agreement", "sqnr_db", "loss")})

        before = self.made(".json")
        self.assertEqual(len(before), 1 + 2 * 5)
        self.assertEqual(len(self.made()), 1, "only the float model stays")
        done = self.sweep("accuracy", "--html", self.path("page.html"), *self.accuracy(*only))
        if "has no Chart.js" not in done.stderr:
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn('"tool":"accuracy"', tools.read(self.path("page.html")).decode().replace(" ", ""))
        self.assertEqual(self.made(".json"), before, "what is measured is kept")
        self.report("accuracy", *self.accuracy("--only", "default", "--weights", "per-tensor", convert=["--weight-bits", "8"]))
        self.assertEqual(len(self.made(".json")), len(before) + 2, "other options are measured anew")

    def test_accuracy_knows_every_observer_and_repair(self):
        sys.path.insert(0, os.path.join(ROOT, "bench/sweeps"))
        import accuracy
        known = self.fail_with(tools.USAGE, "qconvert", "x.onnx", "-o", self.path("x.qfb"), "--calibrate", "x", "--observer", "none").stderr
        self.assertEqual(known.split("expected one of: ")[1].splitlines()[0].split(", "), list(accuracy.OBSERVERS))
        rows = accuracy.settings(quick=False)
        for name in accuracy.REPAIRS:
            for row in (name, f"all but {name}"):
                self.assertIn(row, rows)
        self.assertEqual(len({tuple(words) for words in rows.values()}), len(rows), "no two rows are the same conversion")
        self.assertLess(set(accuracy.settings(quick=True)), set(rows))

    def test_errors_are_a_line(self):
        done = self.sweep("accuracy", *self.accuracy("--only", "default", convert=["--colour", "bgr"]))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^error: qconvert .*: qconvert: error: The following arguments were not expected: .*--colour")
        self.assertNotIn("Try", done.stderr)
        done = self.sweep("accuracy", *self.accuracy("--only", "equalize"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("no row 'equalize'; there are: no repair; equalise;", done.stderr)
        done = self.sweep("families", "--only", "lenet")
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: unknown model 'lenet', known are mobilenet_v1,", done.stderr)
        for name, arguments in (("growth", ["--sizes", "0"]), ("families", ["--size", "big"]), ("growth", ["--colour"])):
            done = self.sweep(name, *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
        done = subprocess.run(["bash", os.path.join(ROOT, "bench/growth.sh"), "--build", self.path("none")], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("name a build with --build", done.stderr)


if __name__ == "__main__":
    unittest.main()

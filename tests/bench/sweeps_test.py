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
        return subprocess.run(["bash", os.path.join(ROOT, f"bench/{name}.sh"), "--build", tools.BUILD, "--out", self.path("out"), "--rounds", "2",
                               *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def report(self, name, *arguments):
        """(the JSON, what was printed) of a sweep that must succeed."""
        done = self.sweep(name, *arguments, "--json", self.path("r.json"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(self.path("r.json")) as file:
            return json.load(file), done.stdout

    def made(self):
        """The converted models with the times at which they were made."""
        names = [name for name in os.listdir(self.path("out")) if name.endswith(".qfb")]
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

    def test_errors_are_a_line(self):
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

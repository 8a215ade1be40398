"""The comparison with other runtimes, as far as it needs no network: the protocol, the numbers, the children that come with
the build, and those that are installed."""
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import numpy as np
import onnx

ROOT = os.path.realpath(os.environ.get("QRUN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))
sys.path[:0] = [os.path.join(ROOT, "bench/peers"), os.path.join(ROOT, "tests/cli")]
import report as reports  # noqa: E402
import tools  # noqa: E402
import contenders  # noqa: E402
from child import Child, ChildError  # noqa: E402
from emit_qdq_test import CASES, CONV, FIRST, IMAGE, source  # noqa: E402
from npy import read_npy  # noqa: E402
from ratios import best_classes, percent_equal, ratio, ratio_interval, round_time  # noqa: E402

PEERS = os.path.join(tools.BUILD, "bench/peers")
ZOO = os.path.join(ROOT, "tests/zoo/rps")
ONNX = os.path.join(ZOO, "mobilenet_v2_rps.onnx")
HAS_ONEDNN = os.path.exists(os.path.join(PEERS, "onednn_peer"))


def child(code, **options):
    """A Python program as a child."""
    return Child([sys.executable, "-c", code], 1, **options)


ECHO = """
import json, sys
print(json.dumps({"version": "1", "threads": __import__("os").environ["OMP_NUM_THREADS"]}), flush=True)
for line in sys.stdin:
    %s
"""


class Protocol(unittest.TestCase):
    def test_talks(self):
        code = ECHO % "print(json.dumps({'ns': [5, 7], 'items': 2, 'line': line}), flush=True)"
        with child(code) as peer:
            self.assertEqual(peer.facts, {"version": "1", "threads": "1"})
            self.assertEqual(peer.time(3), [5, 7])
            peer.score("a.npy", "b.npy", 2)
            with self.assertRaisesRegex(ChildError, "the 3 items of a.npy"):
                peer.score("a.npy", "b.npy", 3)

    def check(self, code, message, **options):
        with self.assertRaisesRegex(ChildError, message):
            with child(code, **options) as peer:
                peer.time(1)

    def test_every_way_to_fail(self):
        self.check("import sys; sys.exit('no such model')", "ended with 1: no such model")
        self.check("print('{\"error\": \"not on this CPU\"}')", "^not on this CPU$")
        self.check("print('hello')", "'hello', which is no JSON")
        self.check("print('[1]')", "no object")
        self.check("import time; time.sleep(60)", "no answer within 0.2 s", start_timeout=0.2)
        self.check(ECHO % "print('{}', flush=True)", "gave no times")
        self.check(ECHO % "print('{\"ns\": [0]}', flush=True)", "gave no times")
        self.check(ECHO % "sys.exit('crashed')", "ended with 1: crashed")
        with self.assertRaisesRegex(ChildError, "cannot start /no/such/program"):
            Child(["/no/such/program"], 1)

    def test_the_environment_forces_nothing_by_accident(self):
        code = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.endswith('_ISA')}), flush=True)"
        with unittest.mock.patch.dict(os.environ, QRUN_ISA="ref", ONEDNN_MAX_CPU_ISA="SSE41", DNNL_MAX_CPU_ISA="SSE41"):
            with child(code) as peer:
                self.assertEqual(peer.facts, {})
            with child(code, env={"ONEDNN_MAX_CPU_ISA": "AVX2"}) as peer:
                self.assertEqual(peer.facts, {"ONEDNN_MAX_CPU_ISA": "AVX2"})

    def test_a_child_that_does_not_quit_is_ended(self):
        peer = child("import time\nprint('{}', flush=True)\nwhile True: time.sleep(60)")
        peer._process.wait = lambda timeout=None, wait=peer._process.wait: wait(0.2 if timeout else None)
        peer.close()
        self.assertIsNotNone(peer._process.poll())


class Numbers(unittest.TestCase):
    def test_round_time_leaves_out_the_first_run(self):
        self.assertEqual(round_time([9e9, 1e6, 3e6, 2e6]), 2)
        self.assertEqual(round_time([4e6]), 4)

    def test_ratio_is_of_medians(self):
        self.assertEqual(ratio([2, 4, 90], [1, 2, 3]), 2)

    def test_interval(self):
        same = [1 + 0.1 * math.sin(7 * i) for i in range(30)]
        self.assertEqual(ratio_interval(same, same), [1, 1])
        # A slow drift that meets both does not widen it.
        drift = [1 + i for i in range(30)]
        low, high = ratio_interval([2 * x for x in drift], drift)
        self.assertAlmostEqual(low, 2)
        self.assertAlmostEqual(high, 2)
        noise = np.random.default_rng(1).normal(1, 0.05, (2, 40))
        low, high = ratio_interval(list(1.5 * noise[0]), list(noise[1]))
        self.assertLess(low, 1.5)
        self.assertGreater(high, 1.5)
        self.assertLess(high - low, 0.2)
        self.assertGreater(high - low, 0.01)

    def test_classes(self):
        self.assertEqual(best_classes([1, 3, 3, 9, 0, 0], 3), [1, 0])
        self.assertEqual(percent_equal([1, 2, 3, 4], [1, 0, 3, 0]), 50)
        self.assertIsNone(percent_equal([], []))

    def test_npy(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.npy")
            for values in (np.arange(6, dtype=np.float32).reshape(2, 3) / 4, np.array([1, -2], np.int32)):
                np.save(path, values)
                shape, read = read_npy(path)
                self.assertEqual((shape, list(read)), (values.shape, list(values.ravel())))
            for wrong in (np.zeros(2), np.asfortranarray(np.zeros((2, 3), np.float32))):
                np.save(path, wrong)
                with self.assertRaisesRegex(ValueError, "expected float32"):
                    read_npy(path)
            with open(path, "wb") as file:
                file.write(b"nothing")
            with self.assertRaisesRegex(ValueError, "no .npy file"):
                read_npy(path)


def peer_facts(done, of):
    return {"dtype": "int8", "not_run": None, "version": "7", "int8": {"done": done, "of": of, "what": "layers", "kernels": {"k": of}}}


class Report(unittest.TestCase):
    REPORT = {
        "options": {"isa": "avx2"},
        "peers": {"good": peer_facts(3, 3), "bad": peer_facts(2, 3), "none": {"dtype": "int8", "not_run": "no network"}},
        "results": [{"name": name, "dtype": "int8", "threads": 1, "median_ms": 1.5, "best_ms": 1, "best_ratio": 1.25, "ratio": 2,
                     "ratio_ci95": [1.9, 2.1]} for name in ("good", "bad")],
        "failures": [{"name": "good", "threads": 2, "reason": "crashed"}],
        "accuracy": {"images": 4, "top1": {"good": 75.0}, "agreement": {"good": 100.0}},
    }

    def test_table(self):
        heading, good, bad = reports.rows(self.REPORT)
        self.assertEqual(heading[:2], ["avx2", "threads"])
        chosen = {**self.REPORT, "options": {"isa": None}, "peers": {**self.REPORT["peers"], "qrun int8": {"isa": "neon"}}}
        self.assertEqual(reports.rows(chosen)[0][0], "best ISA (neon)")
        self.assertEqual(good, ["good", "1", "1.500", "2.00", "1.90 – 2.10", "1.000", "1.25", "3 of 3", "75.0", "100.0"])
        self.assertEqual(bad[7:], ["2 of 3 (!)", "–", "–"])

    def test_text(self):
        text = reports.text(self.REPORT)
        for line in ("good: 7; int8: 3 of 3 layers (3 k)", "bad: 7; int8: 2 of 3 layers (3 k); (!) not everything ran in int8",
                     "none: not run: no network", "good, 2 thread(s): failed: crashed", "accuracy on 4 images"):
            self.assertIn("\n" + line + "\n", text)
        self.assertFalse(reports.runs_int8({"int8": {"done": 0, "of": 0}}))


class WithModels(tools.ToolTest):
    def convert(self, model, name, *options):
        self.succeed("qconvert", model, "-o", self.path(name), "--quiet", *options)
        return self.path(name)

    def outputs(self, command, inputs):
        """What a child makes of an array; and its first line."""
        with Child(command, 1) as peer:
            peer.score(inputs, self.path("scores.npy"), len(np.load(inputs)))
            self.assertGreaterEqual(len(peer.time(1)), 3)
            return np.load(self.path("scores.npy")), peer.facts

    def peer(self, name, model, inputs, *more):
        return self.outputs([os.path.join(PEERS, name), model, *more], inputs)

    def pictures(self, count):
        """Shipped pictures as inputs, and their labels."""
        model = self.convert(ONNX, "float.qfb", "--dtype", "fp32", "--preprocess", "torch")
        x, y = self.path("x.npy"), self.path("y.npy")
        done = subprocess.run([os.path.join(PEERS, "peer_inputs"), model, "--list", os.path.join(ZOO, "test.csv"), "--images",
                               str(count), "--output", x, "--labels", y], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(np.load(x).shape, (count, 3, 128, 128))
        return x, np.load(y)

    INT8 = ["--calibrate", os.path.join(ZOO, "calib.csv"), "--limit", 30, "--preprocess", "torch", "--no-fold-preprocessing"]


class OwnPeers(WithModels):
    def test_qrun_answers_as_qrun_does(self):
        x, labels = self.pictures(20)
        for name, options in (("float.qfb", ["--dtype", "fp32"]), ("int8.qfb", self.INT8)):
            model = self.convert(ONNX, name, *options)
            self.succeed("qrun", model, "--input", x, "--output", self.path("want.npy"))
            want = np.load(self.path("want.npy"))
            for more in ([], ["--copies"], ["--threads", "2"]):
                got, facts = self.peer("qrun_peer", model, x, *more)
                self.assertTrue(np.array_equal(got, want))
            self.assertEqual(facts["int8"]["done"], facts["int8"]["of"] if name == "int8.qfb" else 0)
        self.assertGreater(np.mean(want.argmax(1) == labels), 0.8, "inputs and labels belong together")

    @unittest.skipUnless(HAS_ONEDNN, "this build has no oneDNN")
    def test_onednn_on_the_shipped_model(self):
        x, labels = self.pictures(60)
        models = {dtype: self.convert(ONNX, dtype + ".qfb", *options, *more) for dtype, options, more in (
            ("float", ["--dtype", "fp32"], ["--no-fuse"]), ("int8", self.INT8, ["--no-fuse"]))}
        want, _ = self.peer("qrun_peer", models["float"], x)
        got, facts = self.peer("onednn_peer", models["float"], x)
        self.assertEqual(facts["int8"]["done"], 0)
        tolerance = 1e-4 * np.abs(want).max()
        self.assertLess(np.abs(got - want).max(), tolerance)
        np.save(self.path("other.npy"), 1.001 * np.load(x))
        other, _ = self.peer("onednn_peer", models["float"], self.path("other.npy"))
        self.assertGreater(np.abs(other - want).max(), tolerance, "the tolerance sees a change of the input of 0.1 %")

        ours, _ = self.peer("qrun_peer", models["int8"], x)
        theirs, facts = self.peer("onednn_peer", models["int8"], x)
        self.assertEqual(facts["int8"]["done"], facts["int8"]["of"])
        self.assertEqual(facts["int8"]["of"], 53)
        self.assertGreaterEqual(np.mean(ours.argmax(1) == theirs.argmax(1)), 0.95)
        self.assertGreater(np.mean(theirs.argmax(1) == labels), 0.8)
        two, _ = self.peer("onednn_peer", models["int8"], x, "--threads", "2")
        self.assertTrue(np.array_equal(theirs, two))

    EXTRA = {
        # Both summands are read again: no addition in place.
        "sum_read_again": source([("Conv", ["x", "w"], "a", {}), ("Conv", ["a", "v"], "b", {}), ("Add", ["a", "b"], "s", {}),
                                  ("Relu", ["s"], "r", {}), ("Add", ["r", "a"], "y", {})], {"w": (6, 4, 1, 1), "v": (6, 6, 1, 1)}, IMAGE),
        "sum_in_place": source([("Conv", ["x", "w"], "a", {}), ("Conv", ["a", "v"], "b", {"pads": [1, 1, 1, 1]}),
                                ("Conv", ["b", "u"], "c", {}), ("Add", ["a", "c"], "s", {}), ("Relu", ["s"], "r", {}),
                                ("Conv", ["r", "u"], "y", {})],
                               {"w": (6, 4, 1, 1), "v": (6, 6, 3, 3), "u": (6, 6, 1, 1)}, IMAGE),
        "flattened": source([FIRST, ("MaxPool", ["c"], "p", {"kernel_shape": [2, 2], "strides": [2, 1]}), ("Flatten", ["p"], "f", {}),
                             ("Gemm", ["f", "v"], "y", {})], {**CONV, "v": (72, 5)}, IMAGE),
    }

    @unittest.skipUnless(HAS_ONEDNN, "this build has no oneDNN")
    def test_onednn_operator_by_operator(self):
        names = ("conv", "grouped", "depthwise", "relu6", "gemm_behind_conv", "residual", "max_pool", "average_pool",
                 "global_average", "softmax")
        x = self.path("x.npy")
        np.save(x, np.random.default_rng(6).normal(0, 1, [6, *IMAGE[1:]]).astype(np.float32))
        for name, data in {**{name: CASES[name] for name in names if name != "residual"}, **self.EXTRA}.items():
            with self.subTest(name):
                model = self.write("source.onnx", data)
                files = [self.convert(model, dtype + ".qfb", "--no-fuse", *options) for dtype, options in
                         (("float", ["--dtype", "fp32"]), ("int8", ["--calibrate", x]))]
                want, _ = self.peer("qrun_peer", files[0], x)
                got, _ = self.peer("onednn_peer", files[0], x)
                self.assertEqual(got.shape, want.shape)
                spread = np.abs(want).max()
                self.assertLess(np.abs(got - want).max(), 1e-5 * spread)
                got, facts = self.peer("onednn_peer", files[1], x)
                self.assertEqual(facts["int8"]["done"], facts["int8"]["of"])
                ours, _ = self.peer("qrun_peer", files[1], x)
                # Each of them may round elsewhere, and the chain's averages in coarser steps.
                self.assertLess(np.abs(got - ours).max(), 0.05 * spread)
                self.assertGreater(np.abs(got[::-1] - ours).max(), 0.05 * spread, "other inputs are told apart")

    @unittest.skipUnless(HAS_ONEDNN, "this build has no oneDNN")
    def test_onednn_refuses_by_name(self):
        x = self.path("calib.npy")
        np.save(x, np.random.default_rng(6).normal(0, 1, [6, *IMAGE[1:]]).astype(np.float32))
        for case, message in (("sigmoid", "'Sigmoid_1'"), ("transposed", "a transposed convolution"), ("concat", "no such operator")):
            model = self.convert(self.write("source.onnx", CASES[case]), "m.qfb", "--dtype", "fp32")
            with self.assertRaisesRegex(ChildError, message):
                self.peer("onednn_peer", model, x)
        fused = self.convert(ONNX, "fused.qfb", *self.INT8)
        with self.assertRaisesRegex(ChildError, "InvertedResidual"):
            self.peer("onednn_peer", fused, x)
        with self.assertRaisesRegex(ChildError, "none.qfb"):
            self.peer("qrun_peer", self.path("none.qfb"), x)

    def test_wrong_requests(self):
        model = self.convert(ONNX, "float.qfb", "--dtype", "fp32", "--preprocess", "torch")
        np.save(self.path("small.npy"), np.zeros((2, 3, 4, 4), np.float32))
        with Child([os.path.join(PEERS, "qrun_peer"), model], 1) as peer:
            for request, message in (("score none.npy y.npy", "none.npy"), (f"score {self.path('small.npy')} y.npy", "no float32 array"),
                                     ("time", "expected 'time MILLISECONDS'"), ("dance", "'dance'")):
                with self.assertRaisesRegex(ChildError, message):
                    peer._ask(request, 30)
            self.assertGreaterEqual(len(peer.time(1)), 3, "it goes on after an error")


class OtherPeers(WithModels):
    def check_against_qrun(self, command, classes_only):
        x, _ = self.pictures(40)
        want, _ = self.peer("qrun_peer", self.path("float.qfb"), x)
        got, facts = self.outputs(command, x)
        if classes_only:
            self.assertGreaterEqual(np.mean(got.argmax(1) == want.argmax(1)), 0.9)
            self.assertTrue(reports.runs_int8(facts), facts)
        else:
            self.assertLess(np.abs(got - want).max(), 1e-4 * np.abs(want).max())
            self.assertFalse(reports.runs_int8(facts), facts)

    def test_pytorch(self):
        script = os.path.join(ROOT, "bench/peers/torch_peer.py")
        self.check_against_qrun([sys.executable, script, ONNX, "1"], classes_only=False)
        self.check_against_qrun([sys.executable, script, ONNX, "1", "--int8", self.path("x.npy")], classes_only=True)
        unknown = self.write("unknown.onnx", CASES["slices"])
        with self.assertRaisesRegex(ChildError, "Slice 'Slice_1'"):
            Child([sys.executable, script, unknown, "1"], 1)

    def onnxruntime(self, model):
        """The command that runs a model; skips the test where it cannot."""
        modules = os.path.join(tools.BUILD, "peers/node")
        if not os.path.isdir(os.path.join(modules, "node_modules/onnxruntime-node")):
            self.skipTest(f"no onnxruntime-node in {modules}: bench/peers.sh installs it there")
        return ["node", os.path.join(ROOT, "bench/peers/ort.mjs"), modules, model, "1"]

    def test_onnxruntime(self):
        self.convert(ONNX, "int8.qfb", *self.INT8, "--emit-qdq", self.path("qdq.onnx"))
        self.check_against_qrun(self.onnxruntime(self.path("qdq.onnx")), classes_only=True)
        # The float source leaves its batch open.
        self.check_against_qrun(self.onnxruntime(ONNX), classes_only=False)

    def test_onnxruntime_runs_every_quantised_operator(self):
        command = self.onnxruntime(self.path("qdq.onnx"))
        x = self.path("x.npy")
        for name, data in CASES.items():
            if name == "two_outputs":
                continue
            with self.subTest(name):
                shape = [d.dim_value for d in onnx.load_from_string(data).graph.input[0].type.tensor_type.shape.dim]
                np.save(x, np.random.default_rng(6).normal(0, 1, [6, *shape[1:]]).astype(np.float32))
                model = self.convert(self.write("source.onnx", data), "m.qfb", "--calibrate", x, "--emit-qdq", self.path("qdq.onnx"))
                want, _ = self.peer("qrun_peer", model, x)
                got, facts = self.outputs(command, x)
                self.assertEqual(got.shape, want.shape)
                # It rounds once less where it joins operators; a few steps of 255.
                self.assertLess(np.abs(got - want).max(), 0.03 * np.abs(want).max(), facts)


class WholeComparison(WithModels):
    def compare(self, *arguments, env=None):
        return subprocess.run(["bash", os.path.join(ROOT, "bench/peers.sh"), "--build", tools.BUILD, "--out", self.path("out"),
                               *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, **(env or {})})

    def test_json_and_table(self):
        arguments = [ONNX, "--calibrate", os.path.join(ZOO, "calib.csv"), "--list", os.path.join(ZOO, "test.csv"), "--images", 12,
                     "--rounds", 3, "--batch-ms", 5, "--threads", "1,2", "--only", "onednn"]
        done = self.compare(*arguments, "--json", self.path("r.json"), "--", "--preprocess", "torch", "--limit", 10)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("r.json")) as file:
            report = json.load(file)
        self.assertEqual(sorted(report), ["accuracy", "date", "failures", "machine", "model", "model_sha256", "options", "peers",
                                          "results", "tool", "version"])
        names = ["qrun int8", "qrun int8 + copies", "qrun float"] + (["oneDNN u8s8", "oneDNN float"] if HAS_ONEDNN else [])
        self.assertEqual([(r["name"], r["threads"]) for r in report["results"]], [(name, t) for t in (1, 2) for name in names])
        for result in report["results"]:
            self.assertEqual(sorted(result), ["best_ms", "best_ratio", "dtype", "median_ms", "name", "ratio", "ratio_ci95", "rounds_ms", "threads"])
            self.assertEqual(len(result["rounds_ms"]), 3)
            self.assertLessEqual(result["best_ms"], min(result["rounds_ms"]))
            if result["name"] in ("qrun int8", "qrun float"):
                self.assertEqual((result["ratio"], result["ratio_ci95"]), (1, [1, 1]))
        self.assertEqual(report["accuracy"]["images"], 12)
        self.assertEqual(report["accuracy"]["agreement"]["qrun float"], 100)
        self.assertEqual(set(report["accuracy"]["top1"]), set(names))
        self.assertEqual(done.stdout, reports.text(report))

    def isas_of_both(self):
        """The instruction sets that can run here and that oneDNN can be forced to."""
        report = json.loads(self.succeed("qbench", os.path.join(ROOT, "tests/golden/rps_int8.qfb"), "--rounds", 2, "--json", "--quiet"))
        return [isa for isa in contenders.ONEDNN_ISAS if isa in report["machine"]["isas"]]

    def test_a_forced_isa(self):
        for number, isa in enumerate(self.isas_of_both()):
            by_environment = number % 2  # both ways
            arguments = [ONNX, "--calibrate", os.path.join(ZOO, "calib.csv"), "--rounds", 1, "--batch-ms", 1, "--threads", 1, "--json",
                         self.path("r.json"), *([] if by_environment else ["--isa", isa]), "--", "--preprocess", "torch", "--limit", 5]
            done = self.compare(*arguments, env={"QRUN_ISA": isa if by_environment else ""})
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(self.path("r.json")) as file:
                report = json.load(file)
            self.assertEqual(report["options"]["isa"], isa)
            self.assertEqual(done.stdout.split()[1], isa, "the table's heading says so")
            peers = report["peers"]
            for name in ("qrun int8", "qrun int8 + copies", "qrun float"):
                self.assertEqual(peers[name]["isa"], isa)
            self.assertEqual({kernel.split("/")[1] for kernel in peers["qrun int8"]["int8"]["kernels"]}, {isa})
            if HAS_ONEDNN:
                for name in ("oneDNN u8s8", "oneDNN float"):
                    self.assertEqual(peers[name]["isa"], contenders.ONEDNN_ISAS[isa].effective)
                inside = [kernel for kernel in peers["qrun float"]["int8"]["kernels"] if kernel.startswith("onednn/")]
                self.assertNotEqual(inside, [])
                self.assertEqual(any("avx512" in kernel for kernel in inside), "avx512" in isa, inside)
            for name in ("ONNX Runtime QDQ", "PyTorch int8"):
                self.assertIn(f"cannot be forced to {isa}", peers[name]["not_run"])
            self.assertEqual({result["name"] for result in report["results"]}, {name for name in peers if not peers[name]["not_run"]})

    def test_a_peer_that_cannot_be_had(self):
        # No npm and no node; python3, bash and the rest are there.
        os.mkdir(self.path("bin"))
        for name, program in (("bash", shutil.which("bash")), ("dirname", shutil.which("dirname")), ("python3", sys.executable)):
            os.symlink(program, self.path("bin/" + name))
        done = self.compare(ONNX, "--calibrate", os.path.join(ZOO, "calib.csv"), "--rounds", 1, "--batch-ms", 1, "--threads", 1,
                            "--only", "onnxruntime", "--", "--limit", 5, env={"PATH": self.path("bin")})
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("ONNX Runtime QDQ", "ONNX Runtime float"):
            self.assertIn(f"\n{name}: not run: no Node.js (node) here; cmake/setup.sh --peers installs it\n", done.stdout)
        self.assertIn("| qrun float ", done.stdout)

    def test_wrong_arguments(self):
        for arguments, code, message in (
                ([ONNX], 2, "--calibrate"), ([self.path("none.onnx"), "--calibrate", ZOO], 2, "none.onnx' does not exist"),
                (["--threads", "0"], 2, "--threads"), (["--only", "tvm"], 2, "'tvm' is none of"),
                (["--isa", "mmx"], 2, "--isa: invalid choice: 'mmx'"), (["--calibrate", ZOO], 2, "with a model"),
                ([ONNX, "--calibrate", ZOO, "--root", ZOO], 2, "--root goes with --list"),
                ([ONNX, "--calibrate", ZOO, "--json", self.path("none/r.json")], 2, "--json"),
                ([self.write("bad.onnx", "no"), "--calibrate", ZOO], 1, "qconvert failed")):
            done = self.compare(*arguments)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn("peers.sh: error: ", done.stderr)
            self.assertIn(message, done.stderr)
            self.assertEqual(done.stdout, "")
        done = self.compare(env={"QRUN_ISA": "mmx"})
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("QRUN_ISA is 'mmx', expected one of avx512vnni, ", done.stderr)
        done = self.compare("--build", self.path("out"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("name a build with --build", done.stderr)
        self.assertIn("Exit codes", self.compare("--help").stdout)


if __name__ == "__main__":
    unittest.main()

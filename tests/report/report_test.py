"""HTML reports as a browser shows them: no error, no request, every chart drawn, every number in the JSON, nothing wider
than the window, and names of any kind as plain text."""
import json
import os
import re
import socket
import subprocess
import sys
import unittest
from urllib.parse import unquote

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../cli"))
import tools  # noqa: E402
from browser import PROGRAM, Browser, Page  # noqa: E402

ZOO = os.path.join(tools.SOURCE, "tests/zoo/rps")
HOSTILE = [
    "<img src=x onerror=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    "\"'><svg onload=window.pwned=1>",
    "line\u2028separator\u2029 & &lt;b&gt;",
    "very/long/" + "x" * 3000,
]

# What a page is, seen from inside.
STATE = """(() => {
  const values = new Set(), text = JSON.parse(document.getElementById('data').textContent);
  (function walk(v) { if (typeof v === 'number') values.add(v); else if (v && typeof v === 'object') Object.values(v).forEach(walk); })(text);
  const strange = [];
  for (const node of document.querySelectorAll('[data-v]')) if (!values.has(Number(node.dataset.v))) strange.push(`${node.dataset.v} in ${node.parentElement.outerHTML.slice(0, 80)}`);
  for (const chart of Object.values(Chart.instances)) for (const set of chart.data.datasets) for (const point of set.data) {
    const numbers = point === null ? [] : typeof point === 'object' ? [set.mirrored ? -point.y : point.y, ...(set.mirrored ? [] : [point.x])] : [point];
    for (const v of numbers) if (!values.has(v) && v !== 0) strange.push(`${v} in chart ${chart.canvas.getAttribute('aria-label').slice(0, 60)}`);
  }
  const canvases = [...document.querySelectorAll('canvas')].filter((canvas) => !canvas.closest('[hidden]'));
  const blank = canvases.filter((canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
    copy.drawImage(canvas, 0, 0);
    const pixels = new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return new Set(pixels.filter((_, i) => i % 7 === 0)).size < 4;
  });
  return {
    strange, canvases: canvases.length, total: Number(document.documentElement.dataset.chartsTotal), drawn: Number(document.documentElement.dataset.chartsDrawn),
    blank: blank.map((canvas) => canvas.getAttribute('aria-label')),
    mute: canvases.filter((canvas) => canvas.getAttribute('role') !== 'img' || !/^.{20,}[.]$/s.test(canvas.getAttribute('aria-label') || '')).map((canvas) => canvas.getAttribute('aria-label')),
    bare: canvases.filter((canvas) => !canvas.closest('figure').querySelector('details table')).length,
    width: document.scrollingElement.scrollWidth, pwned: window.pwned === undefined ? null : window.pwned,
    images: document.querySelectorAll('#head img, #content img, #content svg').length, scripts: document.scripts.length,
    background: getComputedStyle(document.documentElement).backgroundColor,
  };
})()"""


def embedded(path):
    """The JSON that a page holds."""
    text = tools.read(path).decode()
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(match.group(1))


def hostile_model(prefix):
    """ONNX bytes: convolution, ReLU, pooling, fully connected, with hostile names for everything that has one."""
    generator = np.random.default_rng(3)
    names = iter(f"{prefix}{i} {name}" for i in range(4) for name in HOSTILE)
    image, conv, relu, pool, flat, scores, w, b, v, c = (next(names) for _ in range(10))

    def weights(name, *shape):
        return numpy_helper.from_array(generator.normal(0, 0.3, shape).astype(np.float32), name)

    nodes = [helper.make_node("Conv", [image, w, b], [conv], name=HOSTILE[0], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
             helper.make_node("HardSwish", [conv], [relu], name=HOSTILE[1]),
             helper.make_node("GlobalAveragePool", [relu], [pool], name=HOSTILE[2]),
             helper.make_node("Flatten", [pool], [flat], name=HOSTILE[3]),
             helper.make_node("Gemm", [flat, v, c], [scores], name=HOSTILE[4], transB=1)]
    graph = helper.make_graph(
        nodes, HOSTILE[1], [helper.make_tensor_value_info(image, TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info(scores, TensorProto.FLOAT, [1, 5])],
        [weights(w, 4, 3, 3, 3), weights(b, 4), weights(v, 5, 4), weights(c, 5)])
    return helper.make_model(graph, producer_name=HOSTILE[1], opset_imports=[helper.make_opsetid("", 14)]).SerializeToString()


class ReportTest(tools.ToolTest):
    @classmethod
    def setUpClass(cls):
        if PROGRAM is None:
            raise unittest.SkipTest("there is no Chromium to open reports in (package chromium)")
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def convert(self, name, source=os.path.join(ZOO, "mobilenet_v2_rps.onnx"), *options):
        """Converts; returns the report's path after checking that it holds the JSON that --json writes."""
        options = options or ("--calibrate", os.path.join(ZOO, "calib.csv"), "--preprocess", "torch", "--limit", 6)
        page, out = self.path(name + ".html"), self.path(name + ".json")
        self.succeed("qconvert", source, "-o", self.path(name + ".qfb"), *options, "--quiet", "--report", page, "--json", out)
        self.assertEqual(embedded(page), json.loads(tools.read(out)))
        return page

    def bench(self, *arguments):
        page, out = self.path("bench.html"), self.path("bench.json")
        self.succeed("qbench", *arguments, "--rounds", 2, "--quiet", "--html", page, "--json", out)
        self.assertEqual(embedded(page), json.loads(tools.read(out)))
        return page

    def look(self, path, charts, **window):
        """Opens a page, checks all that is true of every report, and returns the open page."""
        page = Page(self.browser, path, **window)
        self.addCleanup(page.close)
        state = page.evaluate(STATE)
        self.assertEqual(page.complaints(), [])
        self.assertEqual([unquote(url) for url in page.requests() if not url.startswith("data:")], [page.url])
        self.assertEqual(state["strange"][:5], [], "numbers that are not in the JSON")
        self.assertEqual((state["canvases"], state["total"], state["drawn"]), (charts, charts, charts))
        self.assertEqual(state["blank"], [])
        self.assertEqual(state["mute"], [], "charts without a sentence for those who do not see them")
        self.assertEqual(state["bare"], 0, "charts without a table")
        self.assertLessEqual(state["width"], window.get("width", 1280))
        self.assertIsNone(state["pwned"])
        self.assertEqual((state["images"], state["scripts"]), (0, 3))
        return page

    def look_everywhere(self, path, charts):
        backgrounds = set()
        for width in (1280, 400):
            for dark in (False, True):
                with self.subTest(width=width, dark=dark):
                    page = self.look(path, charts, width=width, dark=dark)
                    backgrounds.add(page.evaluate(STATE)["background"])
        self.assertEqual(len(backgrounds), 2, "light and dark")

    def choose_everything(self, page):
        """Tries the first and last choices of every list."""
        page.evaluate("""for (const select of document.querySelectorAll('select')) for (const i of [select.options.length - 1, 1, 0]) {
            select.value = String(i); select.dispatchEvent(new Event('change')); }""")
        self.assertEqual(page.complaints(), [])
        self.assertEqual(page.evaluate(STATE)["strange"][:5], [])
        self.assertEqual(page.evaluate(STATE)["blank"], [])

    def test_converted(self):
        path = self.convert("model")
        self.look_everywhere(path, 9)
        page = self.look(path, 9)
        self.choose_everything(page)
        self.assertTrue(page.pdf().startswith(b"%PDF"))
        self.assertEqual(page.complaints(), [])

    def test_converted_with_a_goal(self):
        path = self.convert("model", os.path.join(ZOO, "../rps_swish/efficientnet_b0_rps.onnx"), "--calibrate", os.path.join(ZOO, "calib.csv"),
                            "--preprocess", "torch", "--limit", 16, "--sensitivity", "--min-sqnr", 45, "--require-speedup", 0.01)
        self.assertGreater(len(embedded(path)["precision"]["kept"]), 0)
        self.look_everywhere(path, 10)

    def test_converted_in_float(self):
        self.look_everywhere(self.convert("model", os.path.join(ZOO, "mobilenet_v2_rps.onnx"), "--dtype", "fp32"), 3)

    def test_two_models(self):
        self.convert("int8")
        self.convert("float32", os.path.join(ZOO, "mobilenet_v2_rps.onnx"), "--dtype", "fp32", "--preprocess", "torch")
        with open(os.path.join(ZOO, "test.csv")) as file:
            rows = file.read().splitlines()[1:9]
        listed = self.write("list.csv", "\n".join(rows) + "\n")
        path = self.bench(self.path("float32.qfb"), self.path("int8.qfb"), "--threads", "1,2", "--list", listed, "--root", ZOO)
        blocks = [op for op in embedded(path)["comparison"]["operators"] if op["kind"] == "InvertedResidual"]
        self.assertGreaterEqual(len(blocks), 16)
        for block in blocks:
            # Both sides know all parts, the fused one too, and they are the whole.
            self.assertAlmostEqual(sum(part["b_ms"] for part in block["parts"]), block["b_ms"], delta=1e-9 + 1e-6 * block["b_ms"])
        self.look_everywhere(path, 14)
        self.choose_everything(self.look(path, 14))

    def test_one_model(self):
        self.convert("int8")
        path = self.bench(self.path("int8.qfb"))
        self.look_everywhere(path, 10)
        # What the checks look for, they find.
        page = self.look(path, 10)
        page.evaluate("""(() => {
            document.querySelector('[data-v]').dataset.v = '0.123456789';
            const chart = Object.values(Chart.instances)[0];
            chart.data.datasets[0].data[0] = 987654.25;
            const canvas = document.querySelectorAll('canvas')[1];
            canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
            canvas.removeAttribute('aria-label');
            document.body.append(Object.assign(document.createElement('pre'), {textContent: 'x'.repeat(3000)}));
            console.error('noticed');
        })()""")
        state = page.evaluate(STATE)
        self.assertEqual(len(state["strange"]), 2)
        self.assertEqual((len(state["blank"]), state["mute"]), (1, [None]))
        self.assertGreater(state["width"], 1280)
        self.assertEqual(len(page.complaints()), 1)

    def check_sweep_page(self, report, charts):
        done = subprocess.run([os.path.join(tools.BUILD, "bench/sweeps/report_page"), self.write("r.json", json.dumps(report)), self.path("page.html"),
                               HOSTILE[1]], stderr=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(embedded(self.path("page.html")), report)
        self.look_everywhere(self.path("page.html"), charts)

    def test_growth(self):
        points = [{"axis": axis, "size": 224, "width": 1.0, "batch": 1, axis: at, "threads": threads, "dtype": dtype, "isa": "avx2", "macs": 1000 * i,
                   "median_ms": 1.5 * i / threads, "min_ms": 1.25 * i / threads, "gmacs_per_second": 0.5 + i, "arena_bytes": 64 * i}
                  for axis, values in (("size", (96, 224, 512)), ("width", (0.35, 1.4)), ("batch", (1, 32))) for i, at in enumerate(values, 1)
                  for threads in (1, 2) for dtype in ("int8", "float32")]
        report = {"tool": "growth", "version": "1", "date": "today", "machine": {"cpu": HOSTILE[0]}, "options": {"rounds": 3, "size": 224}, "points": points}
        self.check_sweep_page(report, 6)

    def test_accuracy(self):
        for metric, score in (("top1", {"top1": 85.25, "top5": 97.5, "auc": None}), ("auc", {"top1": None, "top5": None, "auc": 0.875})):
            rows = [{"name": name, "weights": weights, "options": HOSTILE[2], **score, "loss": 0.5, "retention": 99.5, "agreement": 90.5 + i, "sqnr_db": None if i == 1 else 20.25 + i,
                     "file_bytes": 64 * i, "seconds": 1.5 + i} for i, name in enumerate(["no repair", HOSTILE[0], HOSTILE[4]]) for weights in ("per-channel", "per-tensor")]
            report = {"tool": "accuracy", "version": "1", "date": "today", "float": {**score, "loss": 0.25}, "rows": rows,
                      "options": {"model": HOSTILE[1], "calibrate": "c.csv", "evaluated": HOSTILE[3], "images": 31, "metric": metric, "weights": ["per-channel", "per-tensor"]}}
            self.check_sweep_page(report, 5 if metric == "top1" else 4)

    def test_hostile_names(self):
        np.save(self.path("x.npy"), np.random.default_rng(1).normal(size=(4, 3, 8, 8)).astype(np.float32))
        source = self.write("x onerror=pwned=1 '\"&<b>.onnx", hostile_model("a"))
        path = self.convert("bad <script>window.pwned=1<", source, "--calibrate", self.path("x.npy"))
        self.assertNotIn(b"<img", tools.read(path).split(b'id="data"')[1].split(b"</script>")[0])
        # The layer shown first is the worst one, HardSwish: it has no weights to draw.
        self.look_everywhere(path, 7)
        page = self.look(path, 7)
        self.choose_everything(page)
        for text in ("window.pwned=1>", "separator"):
            self.assertIn(text, page.evaluate("document.body.innerText + [...document.querySelectorAll('details')].map((d) => d.textContent)"))
        model = self.path("bad <script>window.pwned=1<.qfb")
        self.look_everywhere(self.bench(model, model), 11)

    def test_nothing_can_leave_the_page(self):
        page = self.look(self.convert("model", os.path.join(ZOO, "mobilenet_v2_rps.onnx"), "--dtype", "fp32"), 3)
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"http://127.0.0.1:{server.getsockname()[1]}/"
            outcome = page.evaluate("""(async (address) => {
                const image = new Promise((done) => { const i = new Image(); i.onload = () => done('loaded'); i.onerror = () => done('refused'); i.src = address; });
                const fetched = fetch(address).then(() => 'loaded', () => 'refused');
                return [await image, await fetched];
            })""" + f"({json.dumps(address)})")
            self.assertEqual(outcome, ["refused", "refused"])
            server.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                server.accept()
        self.assertTrue(any("Content Security Policy" in text for text in page.complaints()), page.complaints())


if __name__ == "__main__":
    unittest.main()

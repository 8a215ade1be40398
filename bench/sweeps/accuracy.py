"""What each repair and each observer of qconvert gains, alone and together. bench/accuracy.sh starts it."""
import json
import os
import sys
import time

import sweep  # first: it says where the others are
import output

# Steps that can be had or left: words of qconvert with and without them.
REPAIRS = {
    "equalise": (["--equalize"], ["--no-equalize"]),
    "smooth": (["--smoothing"], ["--no-smoothing"]),
    "absorb biases": (["--bias-absorption"], ["--no-bias-absorption"]),
    "split outliers": (["--split-outliers"], ["--no-split-outliers"]),
    "choose ranges": (["--observer", "auto"], ["--observer", "minmax"]),
    "mse weight scales": (["--weight-scale", "mse"], ["--weight-scale", "max"]),
    "correct biases": (["--bias-correction"], ["--no-bias-correction"]),
}
SYMMETRIC = "symmetric activations"
LEARNT = {f"learnt rounding, {kind}": kind for kind in ("layers", "blocks")}
OBSERVERS = ("minmax", "moving-average", "percentile", "entropy", "mse", "sqnr", "aciq")  # in place of auto
WEIGHTS = ("per-channel", "per-tensor")
MEASURED = ("top1", "top5", "loss", "auc", "agreement", "retention", "sqnr_db")


def words(repairs, activations="asymmetric", learn="none"):
    """Every choice spelled out: what a row means does not change with qconvert's defaults."""
    result = ["--no-fold-preprocessing", "--activations", activations, "--learn-rounding", learn]
    for name, (on, off) in REPAIRS.items():
        result += on if name in repairs else off
    return result


def settings(quick):
    """{row: words of qconvert}; the slow ones last."""
    rows = {"no repair": words([])}
    rows.update({name: words([name]) for name in REPAIRS})
    rows[SYMMETRIC] = words([], activations="symmetric")
    rows["all"] = words(REPAIRS)
    if not quick:
        rows.update({f"all but {name}": words([other for other in REPAIRS if other != name]) for name in REPAIRS})
        rows[f"all, {SYMMETRIC}"] = words(REPAIRS, activations="symmetric")
    rows["default"] = []
    if not quick:
        rows.update({f"default, {observer}": ["--observer", observer] for observer in OBSERVERS})
        rows.update({name: words([], learn=kind) for name, kind in LEARNT.items()})
        rows.update({f"all, {name}": words(REPAIRS, learn=kind) for name, kind in LEARNT.items()})
    return rows


class Table:
    """Rows of one model; what was measured before is read again."""

    def __init__(self, tools, options):
        self.tools, self.options = tools, options
        self.evaluate = [f"--{name.replace('_', '-')}={value}" for name in ("list", "root", "labels", "label_offset", "metric")
                         if (value := getattr(options, name)) is not None]
        self.evaluate += [f"--input={path}" for path in options.input]
        self.threads = ["--threads", options.threads] if options.threads else []
        files = [options.model, options.calibrate, options.list, options.labels, *options.input, os.path.join(tools.build, "bin/qeval")]
        self.key = " ".join([*map(sweep.fingerprint, filter(None, files)), *self.evaluate, *options.qconvert])

    def convert(self, target, *arguments):
        """Seconds that it took."""
        began = time.monotonic()
        self.tools.call("qconvert", self.options.model, "-o", target, "--quiet", *self.options.qconvert, *arguments)
        return time.monotonic() - began

    def float_model(self):
        """(the model's path, qeval's report)"""
        base = self.tools.path("float", self.key)
        model, result = base + ".qfb", base + ".json"
        if not (os.path.exists(model) and os.path.exists(result)):
            output.progress("the float model")
            self.convert(model, "--dtype", "fp32")
            output.write(result, self.tools.call("qeval", model, *self.evaluate, *self.threads, "--quiet", "--json"))
        with open(result) as file:
            return model, json.load(file)

    def row(self, name, weights, arguments, reference):
        base = self.tools.path(f"{name.replace(' ', '_').replace(',', '')}.{weights}", f"{self.key} {arguments}")
        if not os.path.exists(base + ".json"):
            model = base + ".qfb"
            try:
                seconds = self.convert(model, "--calibrate", self.options.calibrate, "--weights", weights, *arguments, *self.threads)
                report = json.loads(self.tools.call("qeval", model, "--reference", reference, *self.evaluate, *self.threads, "--quiet",
                                                    "--json"))
                size = os.path.getsize(model)
            finally:
                if os.path.exists(model):
                    os.remove(model)
            output.write(base + ".json", json.dumps({
                "name": name, "weights": weights, "options": " ".join(arguments), **{key: report[key] for key in MEASURED},
                "file_bytes": size, "seconds": seconds}))
        with open(base + ".json") as file:
            return json.load(file)

    def measure(self):
        reference, plain = self.float_model()
        todo = [(name, weights, arguments) for name, arguments in settings(self.options.quick).items()
                if not self.options.only or name in self.options.only for weights in self.options.weights]
        rows = []
        for number, (name, weights, arguments) in enumerate(todo, 1):
            output.progress(f"{name}, {weights}: {number} of {len(todo)}")
            rows.append(self.row(name, weights, arguments, reference))
        output.end_progress()
        return plain, rows


def text(report):
    """A line per setting, with columns for every kind of weights."""
    kinds, rows = report["options"]["weights"], report["rows"]
    first = "auc" if report["options"]["metric"] == "auc" else "top1"
    columns = [(first, {"auc": "AUC", "top1": "top-1"}[first], "{:.4f}" if first == "auc" else "{:.1f}"), ("top5", "top-5", "{:.1f}"),
               ("agreement", "agrees", "{:.1f}"), ("sqnr_db", "SQNR", "{:.1f}"), ("seconds", "s", "{:.0f}")]
    told = [column for column in columns if any(row[column[0]] is not None for row in rows)]
    columns = [column for column in told if column[0] != "top5" or report["float"]["top5"] < 100]
    floats = [f"{title} {form.format(report['float'][key])}" for key, title, form in columns if report["float"].get(key) is not None]
    table = [[f"float: {', '.join(floats) or 'no labels'}",
              *(title if len(kinds) == 1 else f"{title}, {kind[4:]}" for kind in kinds for _, title, _ in columns)]]
    for name in dict.fromkeys(row["name"] for row in rows):
        here = {row["weights"]: row for row in rows if row["name"] == name}
        table.append([name, *(form.format(here[kind][key]) if here[kind][key] is not None else "–" for kind in kinds for key, _, form in columns)])
    return output.markdown(table)


def arguments():
    parser = sweep.parser("accuracy", "Converts one model with no repair, with each repair alone, with all of them, with all but one, with "
                          "each observer and with learnt rounding, each with a weight scale per channel and per tensor, and prints what "
                          "qeval measures of each against the float model, and the seconds that the conversion took.", timed=False)
    parser.add_argument("model", help="float ONNX model")
    parser.add_argument("--calibrate", required=True, help="samples, as for qconvert")
    parser.add_argument("--list", help="labelled images to evaluate on, as for qeval")
    parser.add_argument("--root", help="folder of the images of --list")
    parser.add_argument("--input", action="append", default=[], help="instead of --list: .npy array, once for each input of the model")
    parser.add_argument("--labels", help="with --input: .npy array of class indices")
    parser.add_argument("--label-offset", type=int, help="added to every class index")
    parser.add_argument("--metric", choices=["top1", "auc"], help="as for qeval (default: top1)")
    parser.add_argument("--weights", type=sweep.list_of(str), default=list(WEIGHTS), help=f"(default: {','.join(WEIGHTS)})")
    parser.add_argument("--quick", action="store_true", help="only no repair, each repair alone, all of them, and the default")
    parser.add_argument("--only", action="append", help="only the row of this name; may be given several times")
    parser.add_argument("--threads", type=output.positive, help="of the tools (default: theirs); the results do not depend on it")
    parser.add_argument("--html", help="write a page with charts")
    parser.usage = "%(prog)s MODEL --calibrate SAMPLES --list LIST [options] [-- options of qconvert for every row, as --preprocess torch]"
    mine, for_qconvert = output.split_at_dashes(sys.argv[1:])
    options = parser.parse_args(mine)
    options.qconvert = for_qconvert
    if bool(options.list) == bool(options.input):
        parser.error("give labelled images with --list, or arrays with --input")
    if set(options.weights) - set(WEIGHTS):
        parser.error(f"--weights: expected some of {','.join(WEIGHTS)}")
    unknown = set(options.only or []) - set(settings(options.quick))
    if unknown:
        parser.error(f"--only: no row '{sorted(unknown)[0]}'; there are: {'; '.join(settings(options.quick))}")
    return options


def main():
    options = arguments()
    tools = sweep.Tools(options, ("qconvert", "qeval"))
    plain, rows = Table(tools, options).measure()
    report = {**sweep.head("accuracy", plain, {
        "model": os.path.basename(options.model), "calibrate": os.path.basename(os.path.normpath(options.calibrate)),
        "evaluated": os.path.basename(options.list or options.input[0]), "images": plain["images"], "metric": plain["metric"],
        "weights": options.weights, "quick": options.quick, "qconvert": " ".join(options.qconvert)}),
        "float": {key: plain[key] for key in ("top1", "top5", "loss", "auc")}, "rows": rows}
    if options.json:
        output.write(options.json, json.dumps(report, indent=2) + "\n")
    if options.html:
        tools.page(report, options.html, f"What repairs gain: {report['options']['model']}")
    if options.json != "-":
        print(text(report), end="")
    return 0


if __name__ == "__main__":
    sweep.run(main)

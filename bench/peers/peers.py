"""Runs one model through qrun and through other runtimes, in turns, and compares time and accuracy. bench/README.md says how;
bench/peers.sh starts it."""
import argparse
import datetime
import hashlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time

import contenders
import report as reports
from child import Child, ChildError
from contenders import FAMILIES, Failure
from npy import read_npy
from output import end_progress, positive, progress, split_at_dashes, write
from ratios import best_classes, percent_equal, ratio, ratio_interval, round_time

ROOT = os.path.realpath(os.path.join(contenders.HERE, "../.."))
# A child that ran with threads of its own spins a little while before it sleeps; the next one should not meet that.
PAUSE_SECONDS = 0.05
ACCURACY_REFERENCE = "qrun float"


def thread_list(text):
    return list(dict.fromkeys(positive(part) for part in text.split(",")))


def family_list(text):
    names = text.split(",") if text else []
    for name in names:
        if name not in FAMILIES:
            raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(FAMILIES)}")
    return list(dict.fromkeys(names))


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"peers.sh: error: {message}\nTry 'bash bench/peers.sh --help'.\n")


def parse(arguments):
    parser = Parser(prog="bash bench/peers.sh", add_help=False, description=(
        "Runs a model through qrun, oneDNN alone, ONNX Runtime and PyTorch, in turns, float and int8, and prints a table of "
        "times, ratios and accuracy. A peer that cannot be had is named with the reason, and the others are compared."))
    parser.add_argument("--help", action="help", help="Print this and exit")
    parser.add_argument("model", nargs="?", help="A float ONNX model with one input and one output (default: MobileNetV2 1.0/224 "
                        "from ../shared/data, else the shipped model)")
    parser.add_argument("--calibrate", help="Samples for int8, as qconvert takes them; required with a model")
    parser.add_argument("--list", help="Labelled images for the accuracy, a CSV of 'filename,class_index'")
    parser.add_argument("--root", help="Folder of the images (default: the list's folder)")
    parser.add_argument("--images", type=positive, default=200, help="Only the first N of the list (default: %(default)s)")
    parser.add_argument("--label-offset", type=int, default=0, help="Added to every class index (default: %(default)s)")
    parser.add_argument("--threads", type=thread_list, default=[1, 2], help="Numbers of threads (default: 1,2)")
    parser.add_argument("--isa", choices=contenders.known_isas(), metavar="NAME", default=os.environ.get("QRUN_ISA") or None,
                        help="Force this instruction set: qrun's name of one, as in README.md. oneDNN uses the same; whoever cannot be "
                        "forced is left out and says so (default: $QRUN_ISA, else everybody the best that it knows)")
    parser.add_argument("--rounds", type=positive, default=30, help="In each, everybody is timed once (default: %(default)s)")
    parser.add_argument("--batch-ms", type=positive, default=150, help="How long, each time (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="Of the order within the rounds (default: %(default)s)")
    parser.add_argument("--only", type=family_list, default=list(FAMILIES), help="Comma separated: " + ", ".join(FAMILIES))
    parser.add_argument("--json", help="Write everything to this file; - for stdout instead of the table")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), help="A build of qrun (default: build/release)")
    parser.add_argument("--out", help="Folder of converted models (default: <build>/peers)")
    parser.epilog = ("What follows -- goes to qconvert: bash bench/peers.sh model.onnx --calibrate photos/ -- --preprocess torch. "
                     "Exit codes: 0 success, 1 something failed, 2 wrong arguments.")
    own, more = split_at_dashes(arguments)
    options = parser.parse_args(own)
    if options.isa not in (None, *contenders.known_isas()):  # argparse lets defaults pass
        parser.error(f"QRUN_ISA is '{options.isa}', expected one of {', '.join(contenders.known_isas())}")
    options.qconvert = more
    if options.model is None:
        if options.calibrate or options.list or more:
            parser.error("--calibrate, --list and options for qconvert go with a model")
        set_default_model(options)
    elif not options.calibrate:
        parser.error("int8 needs samples: give --calibrate a folder of images, a list or a .npy array")
    for what, path in (("model", options.model), ("--calibrate", options.calibrate), ("--list", options.list)):
        if path is not None and not os.path.exists(path):
            parser.error(f"{what}: '{path}' does not exist")
    if options.root and not options.list:
        parser.error("--root goes with --list")
    if options.json and options.json != "-" and not os.path.isdir(os.path.dirname(os.path.abspath(options.json))):
        parser.error(f"--json: the folder of '{options.json}' does not exist")
    options.out = options.out or os.path.join(options.build, "peers")
    return options


def set_default_model(options):
    data = os.path.join(ROOT, "../shared/data")
    options.model = os.path.join(data, "mobilenet_v2/torchvision_float.onnx")
    options.calibrate, options.list = (os.path.join(data, "imagenet", name) for name in ("calib.csv", "dev.csv"))
    if not all(map(os.path.exists, (options.model, options.calibrate, options.list))):
        zoo = os.path.join(ROOT, "tests/zoo/rps")
        options.model = os.path.join(zoo, "mobilenet_v2_rps.onnx")
        options.calibrate, options.list = (os.path.join(zoo, name) for name in ("calib.csv", "test.csv"))
    options.qconvert = ["--preprocess", "torch"]


class Comparison:
    """Starts the contenders for one number of threads after the other, and gathers what they say."""

    def __init__(self, options, found, absent, inputs):
        self.options, self.found, self.inputs = options, found, inputs
        self.peers = {contender.name: {"dtype": contender.dtype, "not_run": None} for contender in found}
        for name, reason in absent.items():
            self.peers[name] = {"dtype": "float" if name.endswith("float") else "int8", "not_run": reason}
        self.failures, self.results, self.classes = [], [], {}

    def fail(self, contender, threads, error):
        """What happens to qrun itself ends the comparison, and to another is reported."""
        if contender.baseline:
            raise Failure(f"{contender.name}: {error}")
        if "version" not in self.peers[contender.name]:
            self.peers[contender.name]["not_run"] = str(error)
        else:
            self.failures.append({"name": contender.name, "threads": threads, "reason": str(error)})

    def run(self, threads, first):
        running = {}
        try:
            for contender in self.found:
                if self.peers[contender.name]["not_run"]:
                    continue
                try:
                    running[contender] = Child(contender.command(threads), threads, env=contender.env)
                except ChildError as error:
                    self.fail(contender, threads, error)
                    continue
                if contender.isa is not None and contender.isa != running[contender].facts.get("isa"):
                    child = running.pop(contender)
                    child.close()
                    self.fail(contender, threads, f"runs on {child.facts['isa']}, was told to use {contender.isa}")
                    continue
                self.peers[contender.name].update(running[contender].facts)
            if first and self.inputs:
                self.score(running, threads)
            self.measure(running, threads)
        finally:
            for child in running.values():
                child.close()

    def attempt(self, running, contender, threads, action):
        """action()'s value, or None if the child failed; then it is no longer running."""
        try:
            return action()
        except ChildError as error:
            running.pop(contender).close()
            self.fail(contender, threads, error)
            return None

    def score(self, running, threads):
        source, items = self.inputs["x"], len(self.inputs["labels"])
        target = os.path.join(self.options.out, "scores.npy")
        for contender, child in list(running.items()):
            progress(f"peers: accuracy of {contender.name}")
            self.attempt(running, contender, threads, lambda child=child: child.score(source, target, items))
            if contender in running:
                shape, values = read_npy(target)
                self.classes[contender.name] = best_classes(values, len(values) // shape[0])

    def measure(self, running, threads):
        source = random.Random(self.options.seed)
        batches = {contender: [] for contender in running}
        for contender, child in list(running.items()):
            self.attempt(running, contender, threads, lambda child=child: child.time(self.options.batch_ms))  # warms up
        for number in range(self.options.rounds):
            progress(f"peers: {threads} thread(s): round {number + 1} of {self.options.rounds}")
            order = list(running)
            source.shuffle(order)
            for contender in order:
                time.sleep(PAUSE_SECONDS)
                child = running[contender]
                batch = self.attempt(running, contender, threads, lambda child=child: child.time(self.options.batch_ms))
                if batch:
                    batches[contender].append(batch)
        rounds = {contender: [round_time(batch) for batch in batches[contender]] for contender in running}
        baseline = {contender.dtype: rounds[contender] for contender in running if contender.baseline}
        best = {contender: min(min(batch) for batch in batches[contender]) / 1e6 for contender in running}
        best_baseline = {contender.dtype: best[contender] for contender in running if contender.baseline}
        for contender, times in rounds.items():
            self.results.append({
                "name": contender.name, "dtype": contender.dtype, "threads": threads, "median_ms": statistics.median(times),
                "best_ms": best[contender], "best_ratio": best[contender] / best_baseline[contender.dtype], "rounds_ms": times,
                "ratio": ratio(times, baseline[contender.dtype]),
                "ratio_ci95": ratio_interval(times, baseline[contender.dtype], self.options.seed)})

    def accuracy(self):
        if not self.inputs:
            return None
        labels, reference = self.inputs["labels"], self.classes[ACCURACY_REFERENCE]
        return {"images": len(labels), "list": self.inputs["list"],
                "top1": {name: percent_equal(classes, labels) for name, classes in self.classes.items()},
                "agreement": {name: percent_equal(classes, reference) for name, classes in self.classes.items()}}


def cpu_name():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def prepare_inputs(options, files):
    if not options.list:
        return None
    progress("peers: preparing images")
    x, y = files.inputs(options.list, options.root, options.images, "images")
    return {"x": x, "labels": [label + options.label_offset for label in read_npy(y)[1]], "list": options.list}


def compare(options):
    for tool in ("bin/qconvert", "bench/peers/qrun_peer", "bench/peers/peer_inputs"):
        if not os.path.exists(os.path.join(options.build, tool)):
            raise Failure(f"no {os.path.join(options.build, tool)}: build qrun, or name a build with --build")
    os.makedirs(options.out, exist_ok=True)
    files = contenders.Files(options.out, options.build, options.model, options.calibrate, options.qconvert, options.isa)
    progress("peers: converting")
    files.convert()
    inputs = prepare_inputs(options, files)
    found, absent = contenders.find(files, options.only)
    comparison = Comparison(options, found, absent, inputs)
    for index, threads in enumerate(options.threads):
        comparison.run(threads, first=index == 0)
    end_progress()
    with open(options.model, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {
        "tool": "peers", "version": comparison.peers["qrun int8"]["version"],
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "model": options.model, "model_sha256": digest,
        "machine": {"cpu": cpu_name(), "logical_cpus": os.cpu_count(), "os": platform.platform(),
                    "load_average": os.getloadavg()[0]},
        "options": {"threads": options.threads, "isa": options.isa, "rounds": options.rounds, "batch_ms": options.batch_ms, "seed": options.seed,
                    "calibrate": options.calibrate, "qconvert": options.qconvert},
        "peers": comparison.peers, "results": comparison.results, "failures": comparison.failures,
        "accuracy": comparison.accuracy()}


def main(arguments):
    options = parse(arguments)
    try:
        report = compare(options)
        if options.json:
            write(options.json, json.dumps(report, indent=2) + "\n")
    except (Failure, OSError, ValueError, subprocess.TimeoutExpired) as failure:
        end_progress()
        print(f"peers.sh: error: {failure}", file=sys.stderr)
        return 1
    if options.json != "-":
        sys.stdout.write(reports.text(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

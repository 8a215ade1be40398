"""What the sweeps share: a build's tools, models that are converted once, measurements, and how a report is written."""
import argparse
import datetime
import hashlib
import json
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "../.."))
sys.path[:0] = [os.path.join(ROOT, "bench/peers"), os.path.join(ROOT, "tests/zoo")]
from contenders import Failure, ONEDNN_ISAS  # noqa: E402
from output import end_progress, error_line, positive, progress, write  # noqa: E402

CALIBRATION = 2  # samples: time does not depend on how good the ranges are


def list_of(kind):
    def parse(text):
        return list(dict.fromkeys(kind(part) for part in text.split(",")))
    parse.__name__ = f"list of {kind.__name__}"
    return parse


def parser(program, description, timed=True):
    """An argument parser with the options that all sweeps have; `timed`: qbench runs."""
    result = argparse.ArgumentParser(prog=f"bash bench/{program}.sh", description=description, epilog=(
        "What was made stays in --out and is made again only when qconvert, the options or these scripts change, so that an "
        "interrupted sweep goes on. Exit codes: 0 success, 1 something failed, 2 wrong arguments."))
    result.add_argument("--build", default=os.path.join(ROOT, "build/release"), help="a build of qrun (default: build/release)")
    result.add_argument("--out", help=f"folder of what is made (default: <build>/{program})")
    if timed:
        result.add_argument("--rounds", type=positive, default=10, help="of qbench (default: %(default)s)")
    result.add_argument("--json", help="write everything to this file; - for stdout instead of the table")
    result.set_defaults(program=program)
    return result


def fingerprint(path):
    """Hash of a file's bytes, or of a folder's names, sizes and times."""
    found = hashlib.sha256()
    if os.path.isdir(path):
        for folder, _, names in sorted(os.walk(path)):
            for name in sorted(names):
                status = os.stat(os.path.join(folder, name))
                found.update(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    else:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
    return found.hexdigest()


class Tools:
    """The programs of a build, and a folder of what they made."""

    def __init__(self, options, tools=("qconvert", "qbench", "qinspect")):
        self.build, self.rounds = options.build, getattr(options, "rounds", None)
        self.folder = options.out or os.path.join(options.build, options.program)
        for tool in tools:
            if not os.path.exists(os.path.join(self.build, "bin", tool)):
                raise Failure(f"no {os.path.join(self.build, 'bin', tool)}: build qrun, or name a build with --build")
        os.makedirs(self.folder, exist_ok=True)
        self._salt = hashlib.sha256()
        for path in (os.path.join(self.build, "bin/qconvert"), *sorted(
                os.path.join(HERE, name) for name in os.listdir(HERE) if name.endswith(".py"))):
            self._salt.update(fingerprint(path).encode())

    def path(self, name, key=""):
        """Where that which `name` and `key` describe lies in the folder, without an extension. Whatever changes it changes the path."""
        stamp = self._salt.copy()
        stamp.update(f"{name} {key}".encode())
        return os.path.join(self.folder, f"{name}.{stamp.hexdigest()[:12]}")

    def page(self, report, path, title):
        """Writes a sweep's report as an HTML page with charts."""
        data = os.path.join(self.folder, f"{report['tool']}.json")
        write(data, json.dumps(report))
        done = subprocess.run([os.path.join(self.build, "bench/sweeps/report_page"), data, path, title],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failure(error_line(done.stderr))

    def call(self, tool, *arguments, env=None):
        done = subprocess.run([os.path.join(self.build, "bin", tool), *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                              env={**os.environ, **(env or {})})
        if done.returncode != 0:
            raise Failure(f"{tool} {arguments[0]}: {error_line(done.stderr)}")
        return done.stdout

    def convert(self, name, make_onnx, key=""):
        """(float model, int8 model) of what make_onnx(path) exports; kept if `name` and `key` were converted before."""
        base = self.path(name, key)
        paths = base + ".float.qfb", base + ".int8.qfb"
        if all(map(os.path.exists, paths)):
            return paths
        progress(f"converting {name}")
        source, samples, plain = base + ".onnx", base + ".npy", base + ".unfinished.qfb"
        try:
            make_onnx(source)
            self.call("qconvert", source, "-o", plain, "--dtype", "fp32", "--quiet")
            shape = json.loads(self.call("qinspect", plain, "--json"))["inputs"][0]["shape"]
            rng = np.random.default_rng(1)
            np.save(samples, rng.normal(0, 1, [CALIBRATION, *shape[1:]]).astype(np.float32))
            self.call("qconvert", source, "-o", paths[1], "--calibrate", samples, "--quiet")
            os.replace(plain, paths[0])
        finally:
            for path in (source, samples, plain):
                if os.path.exists(path):
                    os.remove(path)
        return paths

    def bench(self, models, isa, threads, *options):
        """qbench's report of models against each other, oneDNN held to the same instruction set."""
        env = {"ONEDNN_MAX_CPU_ISA": ONEDNN_ISAS[isa].variable} if isa in ONEDNN_ISAS else {}
        return json.loads(self.call("qbench", *models, "--rounds", self.rounds, "--threads", ",".join(map(str, threads)),
                                    *(["--isa", isa] if isa else []), *options, "--quiet", "--json", env=env))


def head(tool, report, options):
    """How a sweep's JSON begins; `report` is one of qbench's, or another tool's that knows no machine."""
    return {"tool": tool, **{key: report[key] for key in ("version", "machine") if key in report}, "options": options,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}


def run(main):
    """Runs main(), errors as one line."""
    try:
        sys.exit(main())
    except (Failure, OSError) as failure:
        end_progress()
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        end_progress()
        print("interrupted; what was made stays", file=sys.stderr)
        sys.exit(1)

#!/usr/bin/python3
"""One answer everywhere: MobileNetV2 on the same pictures, by every build, instruction set and number of threads.

Builds qrun alone with GCC and Clang, Debug and Release, and for 64-bit ARM (run by qemu), and compares the bytes of
every run: the shipped model's with those on file (rps_int8.json), torchvision's, where ../shared/data has it, among
each other. Every run is kept in <out>/matrix.json until a source that qrun is made of changes, or the model or its input: an
interrupted call goes on where it was, and calls with different --builds add up. Prints the matrix of all that is
known. What is not there (a compiler, a build not run yet) is named; exit codes: 0 all equal, 1 not, 2 wrong arguments.
"""
import argparse
import csv
import json
import os
import shutil
import subprocess
import sys

import numpy as np
from PIL import Image

import golden
import matrix_record

THIS_ALONE = ["QRUN_ONEDNN", "QRUN_IMAGE", "QRUN_CONVERTER", "QRUN_BENCH", "QRUN_TESTS"]  # all OFF
BUILDS = {
    "gcc-release": ("g++", "Release"),
    "gcc-debug": ("g++", "Debug"),
    "clang-release": ("clang++", "Release"),
    "clang-debug": ("clang++", "Debug"),
    "aarch64": ("aarch64-linux-gnu-g++", "Release"),
}
EMULATOR = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
DATA = os.path.realpath(os.path.join(golden.SOURCE, "../shared/data"))


class Failure(Exception):
    """The matrix cannot be made; the text says why."""


def progress(text):
    print(f"matrix: {text}", file=sys.stderr, flush=True)


def call(*command):
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command[:4]))} ... failed: {done.stdout[-2000:]}")
    return done.stdout


def build(name, folder, jobs):
    """(the command that runs this build's qrun, None), or (None, why it cannot be had)."""
    compiler, kind = BUILDS[name]
    needed = [compiler] + (EMULATOR[:1] if name == "aarch64" else [])
    missing = [program for program in needed if not shutil.which(program)]
    if missing:
        return None, f"no {' and no '.join(missing)} here"
    progress(f"building {name}")
    how = (["--toolchain", os.path.join(golden.SOURCE, "cmake/aarch64.cmake")] if name == "aarch64" else
           [f"-DCMAKE_CXX_COMPILER={compiler}"])
    call("cmake", "-S", golden.SOURCE, "-B", folder, "-G", "Ninja", f"-DCMAKE_BUILD_TYPE={kind}", *how,
         *(f"-D{option}=OFF" for option in THIS_ALONE))
    call("cmake", "--build", folder, "-j", jobs, "--target", "qrun")
    return (EMULATOR if name == "aarch64" else []) + [os.path.join(folder, "bin/qrun")], None


def compiler_text(name):
    """The compiler and build type, e.g. "g++ 12.2.0, Release, under qemu-aarch64 7.2.0"."""
    compiler, kind = BUILDS[name]
    text = f"{compiler} {call(compiler, '-dumpfullversion', '-dumpversion').strip()}, {kind}"
    return text + (f", under {' '.join(call(EMULATOR[0], '--version').split()[:3:2])}" if name == "aarch64" else "")


def photos(count):
    """torchvision's preparation of the first pictures of ../shared/data/imagenet."""
    with open(os.path.join(DATA, "imagenet/dev.csv")) as file:
        names = [row["filename"] for row in csv.DictReader(file)][:count]
    items = []
    for name in names:
        image = Image.open(os.path.join(DATA, "imagenet", name)).convert("RGB")
        scale = 256 / min(image.size)
        image = image.resize([round(side * scale) for side in image.size], Image.BILINEAR)
        left, top = (image.size[0] - 224) // 2, (image.size[1] - 224) // 2
        items.append(golden.normalise(image.crop((left, top, left + 224, top + 224))))
    return np.ascontiguousarray(np.stack(items), np.float32)


class Model:
    """A file, its input, and the digest of the output if that is known beforehand."""

    def __init__(self, name, path, values, expected=None):
        self.name, self.path, self.values, self.expected = name, path, values, expected

    def facts(self):
        """What its results depend on."""
        return {"images": len(self.values), "model_sha256": golden.file_sha256(self.path),
                "input_sha256": golden.sha256(self.values.tobytes()), "output_sha256": self.expected}


def shipped(count):
    with open(golden.HASHES) as file:
        record = json.load(file)
    count = min(count, len(record["images"]))
    return Model("shipped", golden.MODEL, golden.pixels(record["images"][:count]),
                 golden.sha256(np.array(record["output"][:count], np.int8).tobytes()))


def torchvision(count, qconvert, folder):
    """torchvision's MobileNetV2 as a Model; or why not."""
    source, calibration = (os.path.join(DATA, name) for name in ("mobilenet_v2/torchvision_float.onnx", "imagenet/calib.csv"))
    if not os.path.exists(source) or not os.path.exists(calibration):
        return None, "no ../shared/data/mobilenet_v2 and imagenet"
    if not os.path.exists(qconvert):
        return None, f"no {qconvert} to convert it with"
    path = os.path.join(folder, "mobilenet_v2.qfb")
    progress("converting torchvision's MobileNetV2")
    call(qconvert, source, "-o", path, "--calibrate", calibration, "--limit", 16, "--preprocess", "torch", "--quiet")
    return Model("torchvision", path, photos(count)), None


def run(qrun, model, folder, isa, threads):
    """sha256 of the model's output; raises Failure if it does not run, or not as asked."""
    try:
        output, report = golden.raw_output(qrun, folder, model.values, "--isa", isa, "--threads", threads, model=model.path)
    except RuntimeError as error:
        raise Failure(str(error).strip()) from error
    if (report["isa"], report["threads"], report["dtype"]) != (isa, threads, "int8"):
        raise Failure(f"ran {report['dtype']} on {report['isa']} with {report['threads']} threads, not int8 on {isa} with {threads}")
    return golden.sha256(output.tobytes())


def run_build(name, models, record, options):
    """Adds the cells of one build that are not on file. Returns the runs that failed, as text."""
    qrun, why = build(name, os.path.join(options.out, name), options.jobs)
    if qrun is None:
        print(f"{name} left out: {why}")
        return []
    compiled = golden.compiled_isas(qrun)
    isas = [isa for isa in compiled if golden.isa_error(qrun, isa) is None]
    record.set_build(name, compiler_text(name), isas, [isa for isa in compiled if isa not in isas])
    failed = []
    for isa in isas:
        for model in models:
            for threads in options.threads:
                if record.cell(name, isa, model.name, threads):
                    continue
                progress(f"{name}, {isa}, {threads} thread(s), {model.name}")
                try:
                    record.set_cell(name, isa, model.name, threads, run(qrun, model, options.out, isa, threads))
                except Failure as failure:
                    failed.append(f"{name}, {isa}, {threads} thread(s), {model.name}: {failure}")
    return failed


def table(record, model):
    """Markdown; a cell lists the numbers of threads that gave the expected bytes. "–": this build has not that instruction
    set; "not here": it has, and this machine cannot run it; "not run": nobody has asked yet."""
    cells, expected = record.cells(model), record.expected(model)
    builds = [name for name in BUILDS if name in record.builds()]
    isas = list(dict.fromkeys(isa for name in builds for isa in record.builds()[name]["isas"]))
    isas.sort(key=lambda isa: isa == "ref")

    def text(name, isa):
        if isa not in record.builds()[name]["isas"]:
            return "not here" if isa in record.builds()[name]["missing"] else "–"
        threads = {number: digest for (build_name, name_isa, number), digest in cells.items() if (build_name, name_isa) == (name, isa)}
        if any(digest != expected for digest in threads.values()):
            return "differs"
        return ", ".join(map(str, sorted(threads))) or "not run"

    lines = [f"{model}: {record.models()[model]['images']} images, sha256 of the output {expected}; numbers of threads that gave it", "",
             "| | " + " | ".join(isas) + " |", "|---" * (len(isas) + 1) + "|"]
    return "\n".join(lines + [f"| {name} | " + " | ".join(text(name, isa) for isa in isas) + " |" for name in builds])


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(golden.SOURCE, "build/golden_matrix"),
                        help="folder for builds and matrix.json (default: %(default)s)")
    parser.add_argument("--builds", default=",".join(BUILDS), help="comma separated (default: %(default)s)")
    parser.add_argument("--threads", default="1,2,3,4", help="(default: %(default)s)")
    parser.add_argument("--images", type=int, default=10, help="(default: %(default)s)")
    parser.add_argument("--qconvert", default=os.path.join(golden.SOURCE, "build/dev/bin/qconvert"), help="(default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="of the builds (default: %(default)s)")
    options = parser.parse_args(arguments)
    names, options.threads = options.builds.split(","), [int(number) for number in options.threads.split(",")]
    unknown = [name for name in names if name not in BUILDS]
    if unknown:
        parser.error(f"unknown build {unknown[0]}, known are {', '.join(BUILDS)}")
    os.makedirs(options.out, exist_ok=True)
    record = matrix_record.Record(os.path.join(options.out, "matrix.json"), matrix_record.source_digest(golden.SOURCE))
    models = [shipped(options.images)]
    extra, why = torchvision(options.images, options.qconvert, options.out)
    if extra:
        models.append(extra)
    else:
        print(f"torchvision's MobileNetV2 left out: {why}")
    for model in models:
        record.set_model(model.name, **model.facts())
    failed = [line for name in names for line in run_build(name, models, record, options)]
    for name, facts in record.builds().items():
        print(f"{name}: {facts['compiler']}" + (f"; cannot run here: {', '.join(facts['missing'])}" if facts["missing"] else ""))
    for model in models:
        print(f"\n{table(record, model.name)}")
    print("\n" + "".join(f"not run yet: {name}\n" for name in BUILDS if name not in record.builds()), end="")
    wrong, done = record.wrong(), sum(len(record.cells(name)) for name in record.models())
    print(f"{done - len(wrong)} of {done + len(failed)} runs gave the same bytes")
    for line in wrong + failed:
        print(f"WRONG {line}")
    return 1 if wrong or failed or not done else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"matrix: error: {failure}", file=sys.stderr)
        sys.exit(1)

#!/usr/bin/python3
"""One answer everywhere: MobileNetV2 on the same pictures, by every build, instruction set and number of threads.

Builds qrun alone with GCC and Clang, Debug and Release, and for 64-bit ARM (run by qemu), and compares the bytes of
every run: the shipped model's with those on file (rps_int8.json), torchvision's, where ../shared/data has it, among
each other. Prints the matrix. A compiler that is not there is named; exit codes: 0 all equal, 1 not, 2 wrong arguments.
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
    """A file, its input, and the bytes that every run must give; None: those of the first run."""

    def __init__(self, name, path, values, expected):
        self.name, self.path, self.values, self.expected = name, path, values, expected


def shipped(count):
    with open(golden.HASHES) as file:
        record = json.load(file)
    count = min(count, len(record["images"]))
    return Model("shipped", golden.MODEL, golden.pixels(record["images"][:count]),
                 np.array(record["output"][:count], np.int8))


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
    return Model("torchvision", path, photos(count), None), None


def run(qrun, model, folder, isa, threads):
    """None if the model's bytes come out, else what went wrong."""
    try:
        output, report = golden.raw_output(qrun, folder, model.values, "--isa", isa, "--threads", threads, model=model.path)
    except RuntimeError as error:
        return str(error).strip()
    if (report["isa"], report["threads"]) != (isa, threads):
        return f"ran on {report['isa']} with {report['threads']} threads"
    if model.expected is None:
        model.expected = output
    return None if np.array_equal(output, model.expected) else "other bytes"


def table(title, rows, isas):
    """Markdown; a cell lists numbers of threads, "–" where the build has not that instruction set or this machine cannot run it."""
    lines = ["", f"{title}", "", "| | " + " | ".join(isas) + " |", "|---" * (len(isas) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(cells.get(isa, "–") for isa in isas) + " |" for name, cells in rows.items()]
    return "\n".join(lines)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(golden.SOURCE, "build/golden_matrix"), help="folder for builds (default: %(default)s)")
    parser.add_argument("--builds", default=",".join(BUILDS), help="comma separated (default: %(default)s)")
    parser.add_argument("--threads", default="1,2,3,4", help="(default: %(default)s)")
    parser.add_argument("--images", type=int, default=10, help="(default: %(default)s)")
    parser.add_argument("--qconvert", default=os.path.join(golden.SOURCE, "build/dev/bin/qconvert"), help="(default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="of the builds (default: %(default)s)")
    options = parser.parse_args(arguments)
    names, threads = options.builds.split(","), [int(number) for number in options.threads.split(",")]
    unknown = [name for name in names if name not in BUILDS]
    if unknown:
        parser.error(f"unknown build {unknown[0]}, known are {', '.join(BUILDS)}")
    os.makedirs(options.out, exist_ok=True)
    models, wrong, done = [shipped(options.images)], [], 0
    extra, why = torchvision(options.images, options.qconvert, options.out)
    if extra:
        models.append(extra)
    else:
        print(f"torchvision's MobileNetV2 left out: {why}")
    rows, isas = {model.name: {} for model in models}, []
    for name in names:
        qrun, why = build(name, os.path.join(options.out, name), options.jobs)
        if qrun is None:
            print(f"{name} left out: {why}")
            continue
        for isa in golden.compiled_isas(qrun):
            if golden.isa_error(qrun, isa) is not None:
                continue
            if isa not in isas:
                isas.append(isa)
            for model in models:
                progress(f"{name}, {isa}, {model.name}")
                failed = [f"{name}, {isa}, {number} thread(s), {model.name}: {error}" for number in threads
                          if (error := run(qrun, model, options.out, isa, number))]
                done += len(threads)
                wrong += failed
                rows[model.name].setdefault(name, {})[isa] = "differs" if failed else ", ".join(map(str, threads))
    isas.sort(key=lambda isa: isa == "ref")
    for model in models:
        if model.expected is not None:
            print(table(f"{model.name}: {len(model.values)} images, sha256 of the output {golden.sha256(model.expected.tobytes())}; "
                        "numbers of threads that gave it", rows[model.name], isas))
    print(f"\n{done - len(wrong)} of {done} runs gave the same bytes")
    for line in wrong:
        print(f"WRONG {line}")
    return 1 if wrong or not done else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"matrix: error: {failure}", file=sys.stderr)
        sys.exit(1)

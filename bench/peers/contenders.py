"""Who is compared, what each of them needs, and how it is started."""
import collections
import csv
import json
import os
import re
import shutil
import subprocess
import sys

from output import error_line

HERE = os.path.dirname(os.path.realpath(__file__))
IMAGES = (".png", ".jpg", ".jpeg")
TORCH_CALIBRATION_ITEMS = 64
# qrun's name of an instruction set: what ONEDNN_MAX_CPU_ISA calls it, and what oneDNN says it then uses
OnednnIsa = collections.namedtuple("OnednnIsa", "variable effective")
ONEDNN_ISAS = {
    "avx512vnni": OnednnIsa("AVX512_CORE_VNNI", "avx512_core_vnni"),
    "avxvnni": OnednnIsa("AVX2_VNNI", "avx2_vnni"),
    "avx512": OnednnIsa("AVX512_CORE", "avx512_core"),
    "avx2": OnednnIsa("AVX2", "avx2"),
    "sse4_1": OnednnIsa("SSE41", "sse41"),
}


def known_isas():
    """The names of the instruction sets that qrun knows."""
    with open(os.path.join(HERE, "../../kernels/isa_list.inc")) as file:
        return re.findall(r"^QRUN_ISA\((\w+),", file.read(), re.MULTILINE)


class Missing(Exception):
    """A competitor cannot be had; the text says why."""


class Failure(Exception):
    """The comparison cannot be made."""


class Contender:
    """A row: its name, "int8" or "float", and a function from a number of threads to a command line; or in its place the
    reason why there is none. `env` is added to its environment; if `isa` is not None, its facts must name that one."""

    def __init__(self, name, dtype, command, baseline=False, env=None, isa=None):
        self.name, self.dtype, self.command, self.baseline, self.env, self.isa = name, dtype, command, baseline, env, isa


def run(*command, cwd=None, timeout=1800):
    """Runs a tool. Raises Failure with what it said was wrong."""
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors="replace", cwd=cwd, timeout=timeout)
    if done.returncode:
        raise Failure(f"{os.path.basename(str(command[0]))} failed: {error_line(done.stderr)}")
    return done


class Files:
    """What is made of the source model, in `folder`."""

    def __init__(self, folder, build, model, calibrate, qconvert_options, isa=None):
        self.folder, self.build, self.model = folder, build, model
        self.calibrate, self.options = calibrate, qconvert_options
        self.isa = isa  # the instruction set that all use; None: each its best

    def onednn_environment(self):
        """What forces oneDNN to the instruction set, wherever it runs, for those that it knows."""
        return {"ONEDNN_MAX_CPU_ISA": ONEDNN_ISAS[self.isa].variable} if self.isa in ONEDNN_ISAS else {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def convert(self):
        """float.qfb, int8.qfb, their unfused forms for oneDNN, and the QDQ model for ONNX Runtime."""
        def convert(name, *more):
            run(os.path.join(self.build, "bin/qconvert"), self.model, "-o", self.path(name + ".qfb"), "--quiet", *self.options, *more)
        int8 = ["--calibrate", self.calibrate, "--no-fold-preprocessing"]
        convert("float", "--dtype", "fp32")
        convert("float_layers", "--dtype", "fp32", "--no-fuse")
        convert("int8_layers", *int8, "--no-fuse")
        self.no_qdq = None
        try:
            convert("int8", *int8, "--emit-qdq", self.path("qdq.onnx"))
        except Failure as failure:  # a model that ONNX cannot express still has other peers
            self.no_qdq = str(failure)
            convert("int8", *int8)

    def inputs(self, listing, root, count, name):
        """Prepares images of a list as the model says: paths of the inputs and the labels."""
        x, y = self.path(name + "_x.npy"), self.path(name + "_y.npy")
        more = ["--root", root] if root else []
        if count:
            more += ["--images", count]
        done = run(os.path.join(self.build, "bench/peers/peer_inputs"), self.path("float.qfb"), "--list", listing, "--output", x,
                   "--labels", y, *more)
        sys.stderr.write(done.stderr)
        return x, y

    def calibration_inputs(self):
        """An array of calibration inputs, for those who calibrate for themselves."""
        if self.calibrate.endswith(".npy"):
            return self.calibrate
        listing = self.calibrate
        if os.path.isdir(listing):
            names = sorted(os.path.join(folder, name) for folder, _, names in os.walk(listing) for name in names
                           if name.lower().endswith(IMAGES))
            if not names:
                raise Missing(f"no images to calibrate on in {self.calibrate}")
            listing = self.path("calibration.csv")
            with open(listing, "w", newline="") as file:
                csv.writer(file).writerows([os.path.abspath(name), 0] for name in names)
        try:
            return self.inputs(listing, None, TORCH_CALIBRATION_ITEMS, "calibration")[0]
        except Failure as failure:
            raise Missing(str(failure)) from failure


def qrun(files):
    program = os.path.join(files.build, "bench/peers/qrun_peer")

    isa = ["--isa", files.isa] if files.isa else []

    def row(name, model, *more, baseline=True):
        def command(threads):
            return [program, files.path(model + ".qfb"), "--threads", str(threads), *isa, *more]
        return Contender("qrun " + name, model, command, baseline, files.onednn_environment(), files.isa)
    return [row("int8", "int8"), row("int8 + copies", "int8", "--copies", baseline=False), row("float", "float")]


def onednn(files):
    program = os.path.join(files.build, "bench/peers/onednn_peer")
    if not os.path.exists(program):
        raise Missing("built without oneDNN")
    if files.isa and files.isa not in ONEDNN_ISAS:
        raise Missing(f"it has no name for {files.isa}")

    def row(name, dtype):
        def command(threads):
            return [program, files.path(dtype + "_layers.qfb"), "--threads", str(threads)]
        return Contender(name, dtype, command, env=files.onednn_environment(),
                         isa=ONEDNN_ISAS[files.isa].effective if files.isa else None)
    return [row("oneDNN u8s8", "int8"), row("oneDNN float", "float")]


def install_onnxruntime(folder):
    """The folder with node_modules in which the pinned onnxruntime-node is; installs it there. Nothing of the package's
    own scripts is run."""
    with open(os.path.join(HERE, "package.json")) as file:
        wanted = json.load(file)["dependencies"]["onnxruntime-node"]
    if not shutil.which("node"):
        raise Missing("no Node.js (node) here; cmake/setup.sh --peers installs it")
    try:
        with open(os.path.join(folder, "node_modules/onnxruntime-node/package.json")) as file:
            if json.load(file)["version"] == wanted:
                return folder
    except OSError:
        pass
    if not shutil.which("npm"):
        raise Missing("no npm here to install onnxruntime-node with; cmake/setup.sh --peers installs it")
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(HERE, "package.json"), folder)
    print(f"peers: installing onnxruntime-node {wanted} into {folder}", file=sys.stderr)
    try:
        run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error", cwd=folder,
            timeout=600)
    except (Failure, subprocess.TimeoutExpired) as failure:
        raise Missing(f"npm cannot install onnxruntime-node: {failure}") from failure
    return folder


def onnxruntime(files):
    if files.isa:
        raise Missing(f"it cannot be forced to {files.isa}: its kernels look at the CPU themselves")
    modules = install_onnxruntime(os.path.join(files.build, "peers/node"))
    script = os.path.join(HERE, "ort.mjs")

    def command(path):
        return lambda threads: ["node", script, modules, path, str(threads)]
    return [Contender("ONNX Runtime QDQ", "int8", files.no_qdq or command(files.path("qdq.onnx"))),
            Contender("ONNX Runtime float", "float", command(files.model))]


def pytorch(files):
    if files.isa:
        raise Missing(f"it cannot be forced to {files.isa}: only some of the libraries in it can")
    for python in dict.fromkeys(["/usr/bin/python3", sys.executable]):
        probe = [python, "-c", "import numpy, onnx, torch"]
        if os.path.exists(python) and subprocess.run(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            break
    else:
        raise Missing("no python3 here has torch, onnx and numpy")
    def command(*more):
        return lambda threads: [python, os.path.join(HERE, "torch_peer.py"), files.model, str(threads), *more]
    try:
        calibration = files.calibration_inputs()
        int8 = command("--int8", calibration)
    except Missing as missing:
        int8 = str(missing)
    return [Contender("PyTorch int8", "int8", int8), Contender("PyTorch float", "float", command())]


# name for --only: (names of its rows, what gives them)
FAMILIES = {
    "onednn": (("oneDNN u8s8", "oneDNN float"), onednn),
    "onnxruntime": (("ONNX Runtime QDQ", "ONNX Runtime float"), onnxruntime),
    "pytorch": (("PyTorch int8", "PyTorch float"), pytorch),
}


def find(files, families):
    """(contenders, {row's name: why it is not run})."""
    found, absent = qrun(files), {}
    for family in families:
        names, make = FAMILIES[family]
        try:
            made = make(files)
        except Missing as missing:
            absent.update((name, str(missing)) for name in names)
            continue
        found += [contender for contender in made if callable(contender.command)]
        absent.update((contender.name, contender.command) for contender in made if not callable(contender.command))
    return found, absent

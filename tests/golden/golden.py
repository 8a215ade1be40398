"""The golden model and what it answers, for golden_test.py (compares) and update.py (writes)."""
import csv
import hashlib
import json
import os
import re
import subprocess
import tempfile

import numpy as np
from PIL import Image

SOURCE = os.path.realpath(os.environ.get("QRUN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))
ZOO = os.path.join(SOURCE, "tests/zoo/rps")
FOLDER = os.path.join(SOURCE, "tests/golden")
MODEL = os.path.join(FOLDER, "rps_int8.qfb")
HASHES = os.path.join(FOLDER, "rps_int8.json")
CONVERSION = [os.path.join(ZOO, "mobilenet_v2_rps.onnx"), "--calibrate", os.path.join(ZOO, "calib.csv"),
              "--preprocess", "torch", "--labels", os.path.join(ZOO, "labels.txt"), "--quiet"]
PER_CLASS = 4


def golden_images():
    """The first pictures of every class in the test list, relative to ZOO."""
    taken = {}
    with open(os.path.join(ZOO, "test.csv")) as file:
        for row in csv.DictReader(file):
            taken.setdefault(row["class_index"], []).append(row["filename"])
    return [name for names in taken.values() for name in names[:PER_CLASS]]


def normalise(image):
    """An image as torchvision's networks want it, [3, H, W]."""
    values = np.asarray(image, np.float32) / np.float32(255)
    values = (values - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return values.transpose(2, 0, 1)


def pixels(names):
    """The model's input, [N, 3, 128, 128] float32, as PyTorch would make it."""
    items = []
    for name in names:
        image = Image.open(os.path.join(ZOO, name)).convert("RGB")
        assert image.size[0] == image.size[1], "the shipped pictures are square"
        items.append(normalise(image.resize((146, 146), Image.BILINEAR).crop((9, 9, 137, 137))))
    return np.ascontiguousarray(np.stack(items), np.float32)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def file_sha256(path):
    with open(path, "rb") as file:
        return sha256(file.read())


def emulator():
    """The command that runs programs of the build; empty if this machine does."""
    return os.environ.get("QRUN_EMULATOR", "").split()


def isa_error(qrun, isa):
    """What qrun (a command) says of an instruction set: None if it runs, else the error."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            raw_output(qrun, folder, np.zeros((1, 3, 128, 128), np.float32), "--isa", isa)
        except RuntimeError as error:
            return str(error)
    return None


def compiled_isas(qrun):
    """The instruction sets that a build of qrun has: it lists them where a name is unknown."""
    return re.search(r"known are ([a-z0-9_, ]+)", isa_error(qrun, "none")).group(1).split(", ")


def raw_output(qrun, folder, values, *options, env=None, model=MODEL):
    """(the int8 output of a model for `values`, the report of the run). `qrun` is a command."""
    source, target = os.path.join(folder, "x.npy"), os.path.join(folder, "y.npy")
    np.save(source, values)
    environment = {key: value for key, value in os.environ.items() if key != "QRUN_ISA"}
    done = subprocess.run([*qrun, model, "--input", source, "--output", target, "--raw", "--json",
                           *map(str, options)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**environment, **(env or {})}, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return np.load(target), json.loads(done.stdout)

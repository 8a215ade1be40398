"""What the matrix has found so far, on file: a run that was interrupted goes on, and builds may be run on different days."""
import hashlib
import json
import os

SOURCES = ("CMakeLists.txt", "cmake", "schema", "kernels", "runtime")  # all that qrun is made of
SUFFIXES = (".cc", ".h", ".inc", ".fbs", ".cmake", ".txt")


def source_digest(root):
    """sha256 of every file that qrun is made of, names and contents."""
    files = [path for name in SOURCES for path in
             ([name] if os.path.isfile(os.path.join(root, name)) else
              [os.path.relpath(os.path.join(folder, file), root) for folder, _, names in os.walk(os.path.join(root, name))
               for file in names])]
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.endswith(SUFFIXES)):
        with open(os.path.join(root, path), "rb") as file:
            digest.update(f"{path}\0{hashlib.sha256(file.read()).hexdigest()}\n".encode())
    return digest.hexdigest()


class Record:
    """Builds with their compilers and instruction sets, models with what identifies them, and of every cell
    (build, instruction set, model, threads) the digest of the output. Only what belongs to `source` is kept, and of a model
    only what belongs to its file and its input. Every change is on file, in whole, when the method returns."""

    def __init__(self, path, source):
        self.path, self.data = path, {"source": source, "builds": {}, "models": {}, "cells": {}}
        if os.path.exists(path):
            with open(path) as file:
                found = json.load(file)
            if found["source"] == source:
                self.data = found

    def write(self):
        with open(self.path + ".part", "w") as file:
            json.dump(self.data, file, indent=1)
            file.write("\n")
        os.replace(self.path + ".part", self.path)

    def set_build(self, name, compiler, isas, missing):
        """`isas` are run; `missing` are compiled in and cannot run on this machine."""
        facts = {"compiler": compiler, "isas": isas, "missing": missing}
        if self.data["builds"].get(name) != facts:
            self.data["builds"][name] = facts
            self.data["cells"] = {key: cell for key, cell in self.data["cells"].items() if key.split("/")[0] != name}
            self.write()

    def set_model(self, name, **facts):
        """Forgets the cells of another file or input under this name."""
        if self.data["models"].get(name) != facts:
            self.data["models"][name] = facts
            self.data["cells"] = {key: cell for key, cell in self.data["cells"].items() if key.split("/")[2] != name}
            self.write()

    def set_cell(self, build, isa, model, threads, digest):
        self.data["cells"][f"{build}/{isa}/{model}/{threads}"] = digest
        self.write()

    def cell(self, build, isa, model, threads):
        """The digest; None if the cell has not been run."""
        return self.data["cells"].get(f"{build}/{isa}/{model}/{threads}")

    def builds(self):
        return self.data["builds"]

    def models(self):
        return self.data["models"]

    def cells(self, model):
        """(build, isa, threads) -> digest, in the order in which they were run."""
        split = ((key.split("/"), digest) for key, digest in self.data["cells"].items())
        return {(build, isa, int(threads)): digest for (build, isa, name, threads), digest in split if name == model}

    def expected(self, model):
        """The digest that every cell must have: the one on file for the model, else the first cell's; None before that."""
        known = self.data["models"][model].get("output_sha256")
        return known or next(iter(self.cells(model).values()), None)

    def wrong(self):
        """One line for each cell with another digest."""
        return [f"{build}, {isa}, {threads} thread(s), {model}: other bytes"
                for model in self.models() for (build, isa, threads), digest in self.cells(model).items()
                if digest != self.expected(model)]

#!/usr/bin/python3
"""Makes the golden files anew: tests/golden/update.py [build folder, default build/release]

Converts the shipped float model to rps_int8.qfb with the qconvert of that build, runs it on a few shipped pictures
with the scalar reference kernels on one thread, and writes hashes of file, input and output to rps_int8.json.
When: after a change that is meant to change results (quantisation, the shipped model). A kernel, a plan or a
thread pool never is a reason: they must give the bytes that are here.
"""
import json
import os
import subprocess
import sys
import tempfile

import golden


def main(build):
    tools = os.path.join(build, "bin")
    subprocess.run([os.path.join(tools, "qconvert"), *golden.CONVERSION, "-o", golden.MODEL], check=True)
    names = golden.golden_images()
    values = golden.pixels(names)
    with tempfile.TemporaryDirectory() as folder:
        output, report = golden.raw_output([os.path.join(tools, "qrun")], folder, values, "--threads", 1, "--isa", "ref")
    assert report["isa"] == "ref" and report["dtype"] == "int8"
    with open(golden.HASHES, "w") as file:
        json.dump({"model_sha256": golden.file_sha256(golden.MODEL), "images": names,
                   "input_sha256": golden.sha256(values.tobytes()), "output_sha256": golden.sha256(output.tobytes()),
                   "output": output.tolist()}, file, indent=1)
        file.write("\n")
    print(f"wrote {golden.MODEL} and {golden.HASHES}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(golden.SOURCE, "build/release"))

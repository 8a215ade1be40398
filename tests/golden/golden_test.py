"""The same file and the same input give the same bytes on every instruction set and number of threads, today's and
those that were here when the golden files were made; so does the conversion that makes the file."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import numpy as np

import golden
import matrix

BUILD = os.environ.get("QRUN_BINARY_DIR", os.path.join(golden.SOURCE, "build/dev"))
QRUN, QCONVERT = [*golden.emulator(), os.path.join(BUILD, "bin/qrun")], os.path.join(BUILD, "bin/qconvert")
THREADS = (1, 2, 3, 4)


class Golden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(golden.HASHES) as file:
            cls.expected = json.load(file)
        cls.values = golden.pixels(cls.expected["images"])

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qrun_golden_")
        self.addCleanup(shutil.rmtree, self.folder)

    def check(self, output):
        self.assertEqual(output.dtype, np.int8)
        self.assertEqual(output.tolist(), self.expected["output"])
        self.assertEqual(golden.sha256(output.tobytes()), self.expected["output_sha256"])

    def test_files_belong_together(self):
        self.assertEqual(golden.file_sha256(golden.MODEL), self.expected["model_sha256"])
        self.assertEqual(self.expected["images"], golden.golden_images())
        self.assertEqual(golden.sha256(self.values.tobytes()), self.expected["input_sha256"],
                         "Pillow or numpy prepares the pictures otherwise than when the golden files were made")

    def test_every_isa(self):
        covered, missed = [], []
        for isa in golden.compiled_isas(QRUN):
            error = golden.isa_error(QRUN, isa)
            if error is not None:
                self.assertIn("cannot run", error)
                missed.append(isa)
                continue
            for threads in THREADS:
                output, report = golden.raw_output(QRUN, self.folder, self.values, "--threads", threads, env={"QRUN_ISA": isa})
                self.assertEqual((report["isa"], report["threads"]), (isa, threads))
                with self.subTest(isa=isa, threads=threads):
                    self.check(output)
            covered.append(isa)
        print(f"{len(self.values)} images, 1 to 4 threads; ISAs covered: {' '.join(covered)}; not runnable on this machine: {' '.join(missed) or 'none'}")
        self.assertIn("ref", covered)

    def test_torchvision_mobilenet_v2(self):
        model, why = matrix.torchvision(10, QCONVERT, self.folder)
        if model is None:
            self.skipTest(why)
        isas = [isa for isa in golden.compiled_isas(QRUN) if golden.isa_error(QRUN, isa) is None]
        digests = {(isa, threads): matrix.run(QRUN, model, self.folder, isa, threads) for isa in isas for threads in THREADS}
        self.assertEqual(len(set(digests.values())), 1, digests)
        print(f"torchvision: {len(model.values)} images, 1 to 4 threads on {' '.join(isas)}: {digests[isas[0], 1]}")
        # The comparison compares.
        model.values = model.values[::-1]
        self.assertNotEqual(matrix.run(QRUN, model, self.folder, isas[0], 1), digests[isas[0], 1])

    def test_conversion_gives_the_same_file_on_every_isa(self):
        # Not the scalar one, for its time: tests/converter/cli converts a smaller model on it.
        isas = [isa for isa in golden.compiled_isas(QRUN) if isa != "ref" and golden.isa_error(QRUN, isa) is None]
        for threads, isa in enumerate(isas, 1):
            target = os.path.join(self.folder, f"{isa}.qfb")
            subprocess.run([QCONVERT, *golden.CONVERSION, "-o", target, "--threads", str(threads)], check=True,
                           env={**os.environ, "QRUN_ISA": isa})
            self.assertEqual(golden.file_sha256(target), self.expected["model_sha256"], isa)

    def test_packed_weights_on_file(self):
        cache = os.path.join(self.folder, "cache")
        os.mkdir(cache)
        for threads in (1, 2):
            for used in (False, True):
                output, report = golden.raw_output(QRUN, self.folder, self.values, "--threads", threads, "--cache", cache)
                self.check(output)
                self.assertEqual(report["weight_cache"]["problem"], "")
                self.assertEqual((report["weight_cache"]["used"], report["weight_cache"]["written"]), (used, not used))
        self.assertEqual(len(os.listdir(cache)), 2)
        for name in os.listdir(cache):
            path = os.path.join(cache, name)
            with open(path, "r+b") as file:
                file.seek(os.path.getsize(path) // 2)
                file.write(b"damage")
        output, report = golden.raw_output(QRUN, self.folder, self.values, "--cache", cache)
        self.check(output)
        self.assertIn("damaged", report["weight_cache"]["problem"])

    def test_item_by_item(self):
        outputs = [golden.raw_output(QRUN, self.folder, self.values[i:i + 1])[0] for i in range(3)]
        self.assertEqual(np.concatenate(outputs).tolist(), self.expected["output"][:3])

    def test_another_input_gives_other_bytes(self):
        output, _ = golden.raw_output(QRUN, self.folder, -self.values)
        self.assertNotEqual(output.tolist(), self.expected["output"])


if __name__ == "__main__":
    unittest.main()

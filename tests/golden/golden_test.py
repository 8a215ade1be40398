"""The same file and the same input give the same bytes on every instruction set and number of threads, today's and
those that were here when the golden files were made."""
import json
import os
import shutil
import tempfile
import unittest

import numpy as np

import golden

BUILD = os.environ.get("QRUN_BINARY_DIR", os.path.join(golden.SOURCE, "build/dev"))
QRUN = os.path.join(BUILD, "bin/qrun")


def this_cpu_runs(isa):
    """Asks qrun itself; it names the instruction sets that it cannot run here."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            golden.raw_output(QRUN, folder, np.zeros((1, 3, 128, 128), np.float32), "--isa", isa)
        except RuntimeError as error:
            if "cannot run" in str(error):
                return False
            raise
    return True


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

    def check_isa(self, isa):
        if not this_cpu_runs(isa):
            self.skipTest(f"this CPU has no {isa}")
        output, report = golden.raw_output(QRUN, self.folder, self.values, env={"QRUN_ISA": isa})
        self.assertEqual(report["isa"], isa)
        self.check(output)

    def test_files_belong_together(self):
        self.assertEqual(golden.file_sha256(golden.MODEL), self.expected["model_sha256"])
        self.assertEqual(self.expected["images"], golden.golden_images())
        self.assertEqual(golden.sha256(self.values.tobytes()), self.expected["input_sha256"],
                         "Pillow or numpy prepares the pictures otherwise than when the golden files were made")

    def test_isa_ref(self):
        self.check_isa("ref")

    def test_isa_sse4_1(self):
        self.check_isa("sse4_1")

    def test_isa_avx2(self):
        self.check_isa("avx2")

    def test_isa_avx512(self):
        self.check_isa("avx512")

    def test_isa_avxvnni(self):
        self.check_isa("avxvnni")

    def test_isa_avx512vnni(self):
        self.check_isa("avx512vnni")

    def test_threads(self):
        for threads in (1, 2, 3):
            output, report = golden.raw_output(QRUN, self.folder, self.values, "--threads", threads)
            self.assertEqual(report["threads"], threads)
            self.check(output)

    def test_item_by_item(self):
        outputs = [golden.raw_output(QRUN, self.folder, self.values[i:i + 1])[0] for i in range(3)]
        self.assertEqual(np.concatenate(outputs).tolist(), self.expected["output"][:3])

    def test_another_input_gives_other_bytes(self):
        output, _ = golden.raw_output(QRUN, self.folder, -self.values)
        self.assertNotEqual(output.tolist(), self.expected["output"])


if __name__ == "__main__":
    unittest.main()

"""The matrix's memory: it goes on where it was, forgets what no longer holds, and sees a cell that differs."""
import os
import shutil
import tempfile
import unittest

import matrix
from matrix_record import Record, source_digest


class MatrixRecord(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qrun_matrix_")
        self.addCleanup(shutil.rmtree, self.folder)

    def record(self, source="s"):
        return Record(os.path.join(self.folder, "matrix.json"), source)

    def filled(self):
        record = self.record()
        record.set_model("m", images=10, model_sha256="1", input_sha256="2", output_sha256=None)
        record.set_build("gcc-release", "g++ 1", ["avx2", "ref"], ["avxvnni"])
        record.set_build("aarch64", "g++ 2", ["neon", "ref"], [])
        for build, isa in (("gcc-release", "avx2"), ("gcc-release", "ref"), ("aarch64", "neon")):
            for threads in (1, 2):
                record.set_cell(build, isa, "m", threads, "good")
        return record

    def test_is_there_again_after_an_interruption(self):
        self.filled()
        again = self.record()
        self.assertEqual(again.cell("aarch64", "neon", "m", 2), "good")
        self.assertIsNone(again.cell("aarch64", "ref", "m", 1))
        self.assertEqual(len(again.cells("m")), 6)
        self.assertEqual(os.listdir(self.folder), ["matrix.json"])

    def test_forgets_what_no_longer_holds(self):
        self.filled()
        self.assertEqual(self.record("other source").builds(), {})
        record = self.filled()
        record.set_build("aarch64", "g++ 3", ["neon", "ref"], [])
        self.assertEqual({build for build, _, _ in record.cells("m")}, {"gcc-release"})
        record.set_model("m", images=9, model_sha256="1", input_sha256="3", output_sha256=None)
        self.assertEqual(record.cells("m"), {})

    def test_one_cell_differs(self):
        record = self.filled()
        self.assertEqual(record.wrong(), [])
        record.set_cell("aarch64", "neon", "m", 2, "bad")
        self.assertEqual(record.wrong(), ["aarch64, neon, 2 thread(s), m: other bytes"])
        self.assertIn("| aarch64 | – | differs | not run |", matrix.table(record, "m"))
        self.assertIn("| gcc-release | 1, 2 | – | 1, 2 |", matrix.table(record, "m"))

    def test_known_bytes_outrank_the_first_cell(self):
        record = self.filled()
        record.data["models"]["m"]["output_sha256"] = "other"
        self.assertEqual(len(record.wrong()), 6)

    def test_source_digest(self):
        for name in ("schema", "kernels"):
            os.mkdir(os.path.join(self.folder, name))

        def write(name, text):
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text)
            return source_digest(self.folder)

        first = write("kernels/a.cc", "int a;")
        self.assertEqual(write("kernels/README.md", "words"), first)
        self.assertNotEqual(write("kernels/a.cc", "int b;"), first)
        self.assertEqual(write("kernels/a.cc", "int a;"), first)
        self.assertNotEqual(write("schema/b.h", ""), first)


if __name__ == "__main__":
    unittest.main()

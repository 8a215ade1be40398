"""Every text file of the project keeps the rules of hygiene.py, and each rule catches what breaks it."""
import os
import unittest

import hygiene
from project_files import project_files, read

ROOT = os.path.realpath(os.environ.get("QRUN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))
# Texts that are not ours to format.
FOREIGN = {"LICENSE"}


class Hygiene(unittest.TestCase):
    def test_every_file_keeps_the_rules(self):
        found, checked = [], 0
        for path in project_files(ROOT):
            text = None if path in FOREIGN else read(ROOT, path)
            if text is not None:
                checked += 1
                found += hygiene.violations(path, text)
        self.assertEqual(found, [], "\n" + "\n".join(found))
        self.assertGreater(checked, 100)

    def test_seeded_violations_are_found(self):
        guarded = "#ifndef QRUN_A_B_H_\n#define QRUN_A_B_H_\n{}#endif  // QRUN_A_B_H_\n"
        self.assertEqual(hygiene.violations("a/b.h", guarded.format("int x;\n")), [])
        seeds = [
            ("a/b.h", guarded.format("// TO" "DO: later\n")),
            ("a/b.cc", "// FIX" "ME\n"),
            ("a/b.py", "open('/ro" "ot/model.qfb')\n"),
            ("a/b.sh", "cd /wo" "rk/tree\n"),
            ("a/b.md", "see /home/" "someone/qrun\n"),
            ("a/b_test.cc", "TEST(Conv, DISABLED_" "Works) {}\n"),
            ("a/b.cc", "#if " "0\nint x;\n#endif\n"),
            ("a/b.cc", "int x;"),
            ("a/b.cc", "int x;\n\n"),
            ("a/b.cc", "int x; \n"),
            ("a/b.cc", "\tint x;\n"),
            ("a/b.h", "int x;\n"),
            ("a/c.h", guarded.format("int x;\n")),
            ("a/b.h", guarded.format("int x;\n") + "int y;\n"),
        ]
        for path, text in seeds:
            with self.subTest(file=path, text=text):
                self.assertEqual(len(hygiene.violations(path, text)), 1, hygiene.violations(path, text))


if __name__ == "__main__":
    unittest.main()

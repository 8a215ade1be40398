"""The top level stays small: folders are the architecture, and nothing else lives there."""
import os
import unittest

from project_files import project_files

ROOT = os.path.realpath(os.environ.get("QRUN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))
ALLOWED = {
    "schema", "kernels", "runtime", "converter", "bench", "tests", "cmake",
    "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE",
    ".ci", ".clang-format", ".clang-tidy", ".editorconfig", ".gitattributes", ".gitignore",
}


def strangers(paths):
    """Names at the top level that do not belong there."""
    return sorted({path.split("/")[0] for path in paths} - ALLOWED)


class TopLevel(unittest.TestCase):
    def test_nothing_else_at_the_top(self):
        self.assertEqual(strangers(project_files(ROOT)), [])

    def test_a_stranger_is_found(self):
        self.assertEqual(strangers(["README.md", "tests/a.cc", "utils/b.cc", "notes.txt"]), ["notes.txt", "utils"])


if __name__ == "__main__":
    unittest.main()

"""The README tells the truth: its code compiles and runs, every option of every tool is in it, its links lead somewhere."""
import os
import re
import subprocess
import sys
import unittest

import tools

ROOT = tools.SOURCE


def text(path):
    return tools.read(os.path.join(ROOT, path)).decode()


def code(language):
    """The README's blocks of code in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text("README.md"), re.MULTILINE | re.DOTALL)


def section(title):
    """Text from the heading that begins with `title` to the next one."""
    return re.search(rf"^### {title}.*?(?=^##)", text("README.md"), re.MULTILINE | re.DOTALL).group(0)


def options(help_text):
    """Every --option and -o that the help lists."""
    listed = "\n".join(line for line in help_text.splitlines() if line.startswith("  -"))
    return set(re.findall(r"(?:^  |,)(-{1,2}[a-z][a-z-]*)", listed, re.MULTILINE))


class Readme(tools.ToolTest):
    def check_options(self, tool):
        if not os.path.exists(os.path.join(tools.BIN, tool)):
            self.skipTest(f"this build has no {tool}")
        helped = options(self.succeed(tool, "--help"))
        self.assertGreater(len(helped), 5)
        told = set(re.findall(r"`(-{1,2}[a-z][a-z-]*)`", section(tool)))
        self.assertEqual(helped - {"-h"}, told)

    def test_options_of_qrun(self):
        self.check_options("qrun")

    def test_options_of_qinspect(self):
        self.check_options("qinspect")

    def test_options_of_qconvert(self):
        self.check_options("qconvert")

    def test_options_of_qeval(self):
        self.check_options("qeval")

    def test_options_of_qbench(self):
        self.check_options("qbench")

    def test_embedded_program_is_the_one_that_is_built(self):
        self.assertEqual(code("cpp"), [text("tests/embed/app/main.cc")])
        self.assertEqual(code("cmake"), [text("tests/embed/app/CMakeLists.txt")])

    def test_operators_are_those_of_the_importer(self):
        imported = re.findall(r"^QRUN_IMPORT\((\w+),", text("converter/import/import_list.inc"), re.MULTILINE)
        told = re.search(r"^ONNX operators:\n(.*?)\.\n", text("README.md"), re.MULTILINE | re.DOTALL).group(1)
        self.assertEqual(sorted(imported), sorted(re.split(r",\s+", told)))

    def test_build_options_are_those_of_cmake(self):
        known = set(re.findall(r"^(?:cmake_dependent_)?option\((QRUN_\w+)", text("cmake/options.cmake"), re.MULTILINE))
        told = set(re.findall(r"`(QRUN_[A-Z]+)`", text("README.md")))
        self.assertEqual(known - {"QRUN_SANITIZE", "QRUN_TSAN"}, told)

    def test_links_lead_somewhere(self):
        found = 0
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in ("build", ".git")]
            for name in names:
                if not name.endswith(".md"):
                    continue
                path = os.path.join(folder, name)
                for link in re.findall(r"\]\(([^)#]+)\)", tools.read(path).decode()):
                    if "://" not in link:
                        found += 1
                        self.assertTrue(os.path.exists(os.path.join(folder, link)), f"{path}: {link}")
        self.assertGreater(found, 5)

    def test_export_from_pytorch_runs(self):
        (export,) = code("python")
        network = """
import torch
torch.manual_seed(3)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 4), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
                            torch.nn.Linear(8, 3))
"""
        os.mkdir(self.path("photos"))
        photograph = """
from PIL import Image
for i in range(4):
    Image.effect_noise((300 + i, 260), 60 + i).convert("RGB").save("photos/%d.jpg" % i)
Image.open("photos/0.jpg").save("cat.jpg")
open("labels.txt", "w").write("cat\\ndog\\nother\\n")
"""
        script = self.write("export.py", network + export + photograph)
        done = subprocess.run([sys.executable, script], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        (commands,) = code("sh")
        for command in commands.splitlines():
            tool, *arguments = command.split()
            output = self.succeed(tool, *arguments, cwd=self.folder)
        self.assertIn("cat.jpg", output)
        self.assertRegex(output, r"%  (cat|dog|other)\n")


if __name__ == "__main__":
    unittest.main()

"""qrun as a library: the README's program gives the right scores within the project's build and against an
installation, and an installation's tools run."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../cli"))
import tools  # noqa: E402

TINY = os.path.join(tools.MODELS, "tiny.qfb")
APP = os.path.join(tools.SOURCE, "tests/embed/app")
# Every pixel is (0.5, -0.25, 0); the model's scores are the means of the channels.
PIXELS = "0.5 -0.25 0\n" * 16
SCORES = ["0.5", "-0.25", "0"]


class EmbedTest(tools.ToolTest):
    def check(self, program):
        done = subprocess.run([program, TINY], input=PIXELS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout.split(), SCORES)
        done = subprocess.run([program, "none.qfb"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual((done.returncode, done.stdout.count("\n")), (1, 1), done.stdout)

    def command(self, *words):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_within_the_build(self):
        self.check(os.path.join(tools.BUILD, "tests/embed/embed"))

    def test_against_an_installation(self):
        prefix, build = self.path("prefix"), self.path("build")
        self.command("cmake", "--install", tools.BUILD, "--prefix", prefix)
        self.assertIn("Usage: qrun", self.command(os.path.join(prefix, "bin/qrun"), "--help"))
        self.command("cmake", "-G", "Ninja", "-S", APP, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
        self.command("cmake", "--build", build)
        self.check(os.path.join(build, "embed"))


if __name__ == "__main__":
    unittest.main()

"""Runs the command line tools for the tests, and holds them to their manners: no crash, an exit code of 0, 1 or 2,
and for errors a line on stderr that names the tool, with nothing but that on a line that starts with it."""
import os
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.realpath(os.environ.get("QRUN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))
BUILD = os.path.realpath(os.environ.get("QRUN_BINARY_DIR", os.path.join(SOURCE, "build/dev")))
BIN = os.path.join(BUILD, "bin")
MODELS = os.path.join(BUILD, "tests/cli/models")
OK, ERROR, USAGE = 0, 1, 2


def run(tool, *args, env=None, cwd=None, timeout=100):
    """The finished process of bin/<tool> with these arguments; stdout and stderr as text."""
    environment = dict(os.environ)
    environment.pop("QRUN_ISA", None)
    environment.update(env or {})
    return subprocess.run([os.path.join(BIN, tool), *map(str, args)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
                          env=environment, cwd=cwd, timeout=timeout)


def read(path):
    """The bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


class ToolTest(unittest.TestCase):
    """A test with a temporary folder, self.folder."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qrun_cli_")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        """Writes bytes or text to a file in self.folder; returns its path."""
        with open(self.path(name), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        return self.path(name)

    def succeed(self, tool, *args, **options):
        """Runs a tool that must end with 0; returns what it printed."""
        done = run(tool, *args, **options)
        self.assertEqual(done.returncode, OK, done.stderr + done.stdout)
        return done.stdout

    def fail_with(self, code, tool, *args, says=(), **options):
        """Runs a tool that must end with `code` (1 or 2) and one error line, with every text of `says` in it. Returns
        the finished process."""
        done = run(tool, *args, **options)
        self.assertEqual(done.returncode, code, f"{args}: {done.stderr}{done.stdout}")
        lines = done.stderr.splitlines()
        errors = [line for line in lines if line.startswith(f"{tool}: error: ")]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertLess(len(errors[0]), 500, "an error line for people is short")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, errors[0])
        others = [line for line in lines if line not in errors]
        self.assertEqual(others, [f"Try '{tool} --help'."] if code == USAGE else [], done.stderr)
        return done

"""schema/qfb.fbs only ever grows: it reads every file that a released schema could write."""
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.realpath(os.environ.get("QRUN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))
SCHEMA = os.path.join(ROOT, "schema/qfb.fbs")
RELEASED = os.path.join(ROOT, "schema/released")


def lost_names(released, current):
    """Fields and enumerators of `released` that `current` no longer has. flatc --conform lets these pass, but a
    removed field's id could be given away again."""

    def members(text):
        text = re.sub(r"//.*", "", text)
        return {(name, member) for name, body in re.findall(r"\b(?:table|struct|enum|union) (\w+)[^{]*\{([^}]*)\}", text)
                for member in re.findall(r"([A-Za-z_]\w*)\s*(?:[:=,]|$)", re.sub(r"\([^)]*\)|:[^;]*;", ":", body).strip())}

    return sorted(members(released) - members(current))


def conforms(text):
    """None if the schema `text` conforms to every release, else why not."""
    with tempfile.NamedTemporaryFile("w", suffix=".fbs") as file:
        file.write(text)
        file.flush()
        for name in sorted(os.listdir(RELEASED)):
            path = os.path.join(RELEASED, name)
            run = subprocess.run(["flatc", "--conform", path, file.name], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
            if run.returncode != 0:
                return f"{name}: {run.stdout.strip()}"
            with open(path) as released:
                lost = lost_names(released.read(), text)
            if lost:
                return f"{name}: gone: {lost}"
    return None


class SchemaConforms(unittest.TestCase):
    def setUp(self):
        with open(SCHEMA) as file:
            self.schema = file.read()

    def test_schema_conforms_to_every_release(self):
        self.assertIn("qfb_v1.fbs", os.listdir(RELEASED))
        self.assertIsNone(conforms(self.schema))

    def test_growth_is_allowed(self):
        last = re.search(r"  arena_bytes: ulong \(id: (\d+)\);\n", self.schema)
        grown = self.schema.replace(last.group(0), f"{last.group(0)}  more: string (id: {int(last.group(1)) + 1});\n")
        grown = grown.replace("Selu = 17", "Selu = 17, Mish = 18")
        self.assertIn("more: string", grown)
        self.assertIn("Mish", grown)
        self.assertIsNone(conforms(grown))

    def test_seeded_breaks_are_found(self):
        seeds = [
            ("dtype: DType = Float32 (id: 2)", "dtype: int = 0 (id: 2)"),         # another type
            ("stride_h: int = 1 (id: 0)", "stride_h: int = 2 (id: 0)"),           # another default
            ("name: string (id: 0);\n  shape: [int] (id: 1);",
             "name: string (id: 1);\n  shape: [int] (id: 0);"),                   # ids swapped
            ("Sigmoid = 4,", "Sigmoid = 5,"),                                     # an enumerator moved
            ("  Softmax,\n", ""),                                                 # a union member removed
            ("  arena_bytes: ulong (id: 11);\n", ""),                             # the last field removed
            (",\n  Selu = 17", ""),                                               # the last enumerator removed
            ("  min: float;\n  max: float;", "  max: float;\n  min: float;"),     # a struct reordered
        ]
        for old, new in seeds:
            with self.subTest(old=old, new=new):
                self.assertIn(old, self.schema)
                self.assertIsNotNone(conforms(self.schema.replace(old, new)))


if __name__ == "__main__":
    unittest.main()

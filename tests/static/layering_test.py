"""The tree keeps to the table of layering.py, and the table catches what breaks it."""
import os
import tempfile
import unittest

import layering
from project_files import project_files, read

ROOT = os.path.realpath(os.environ.get("QRUN_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../..")))


class Layering(unittest.TestCase):
    def test_tree_keeps_to_the_table(self):
        paths = project_files(ROOT)
        found = layering.violations(ROOT, paths)
        self.assertEqual(found, [], "\n" + "\n".join(found))
        # Every layer that the table tells apart is there, so no row has gone out of use unnoticed.
        for layer, files, _ in layering.LAYERS:
            self.assertTrue(any(layering._matches(files, path) for path in paths), f"no file in layer {layer}")

    def test_seeded_violations_are_found(self):
        # (file, the line that breaks a rule)
        seeds = [
            ("schema/a.h", '#include "kernels/args.h"'),
            ("schema/a.h", '#include "runtime/qrun.h"'),
            ("kernels/a.inl.h", '#include "schema/status.h"'),
            ("kernels/a.inl.h", '#include "kernels/dispatch.h"'),
            ("kernels/isa_kernels.cc", '#include "schema/cat.h"'),
            ("kernels/args.h", '#include "schema/status.h"'),
            ("kernels/a.cc", '#include "schema/verify.h"'),
            ("kernels/a.cc", '#include "runtime/qrun.h"'),
            ("kernels/a.cc", "#include <oneapi/dnnl/dnnl.hpp>"),
            ("kernels/onednn/a.cc", "#include <immintrin.h>"),
            ("runtime/a.cc", '#include "kernels/conv2d_s8.inl.h"'),
            ("runtime/a.cc", '#include "runtime/cli/terminal.h"'),
            ("runtime/a.cc", '#include "runtime/image/decode.h"'),
            ("runtime/a.cc", '#include "converter/graph.h"'),
            ("runtime/a.cc", '#include "tests/model_builder.h"'),
            ("runtime/a.cc", '#  include  "tests/model_builder.h"'),
            ("runtime/a.cc", "#include <xsimd/xsimd.hpp>"),
            ("runtime/a.cc", "#include <png.h>"),
            ("runtime/a.cc", "#include <nlohmann/json.hpp>"),
            ("runtime/image/a.cc", '#include "runtime/qrun.h"'),
            ("runtime/cli/a.cc", '#include "kernels/args.h"'),
            ("runtime/cli/a.cc", "#include <jpeglib.h>"),
            ("converter/a.cc", '#include "kernels/args.h"'),
            ("converter/a.cc", '#include "tests/model_builder.h"'),
            ("converter/a.cc", "#include <CLI/CLI.hpp>"),
            ("tests/runtime/a.cc", "#include <onnx/onnx_pb.h>"),
            ("tests/runtime/a.cc", '#include "bench/shapes.h"'),
            ("converter/a.cc", '#include "graph.h"'),
        ]
        headers = {line.split('"')[1] for _, line in seeds if '"' in line} - {"graph.h"}
        for path, line in seeds:
            with self.subTest(file=path, line=line), tempfile.TemporaryDirectory() as root:
                for name in headers | {path}:
                    os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
                    with open(os.path.join(root, name), "w") as file:
                        file.write(f"#include <vector>\n{line}\n" if name == path else "")
                found = layering.violations(root, sorted(headers | {path}))
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(f"{path}:2: "), found)

    def test_a_seeded_line_in_the_real_tree_is_found(self):
        # Not only made-up files: a real kernel with one include too many.
        path = "kernels/conv2d_s8.inl.h"
        with tempfile.TemporaryDirectory() as root:
            for name in project_files(ROOT):
                if name.startswith(("kernels/", "schema/")) and read(ROOT, name) is not None:
                    os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
                    with open(os.path.join(root, name), "w") as file:
                        file.write(read(ROOT, name))
            self.assertEqual(layering.violations(root, [path]), [])
            with open(os.path.join(root, path), "a") as file:
                file.write('#include "schema/status.h"\n')
            self.assertEqual(len(layering.violations(root, [path])), 1)


if __name__ == "__main__":
    unittest.main()

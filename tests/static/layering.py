"""Which file may include what: the folders are the architecture, and this is its table.

A file belongs to the first LAYER whose pattern matches its path, and may include project headers that match one of
that layer's patterns. System headers that match a row of SYSTEM_HEADERS may be included only from that row's places.
Patterns are regular expressions for a whole path.
"""
import os
import re

from project_files import read

# (layer, files of the layer, project headers that they may include)
_PLAIN_STRUCTS = r"kernels/(args\.h|table\.h|isa_tags\.h|[a-z0-9_]+\.inl\.h|(isa|kernel)_list\.inc)"
_STATUS = r"schema/(status|cat)\.h"
LAYERS = [
    ("schema", r"schema/.*", [r"schema/.*"]),
    # Compiled once per instruction set: an inline function of another layer would leak its AVX-512 copy.
    ("kernels, once per ISA", r"kernels/([^/]*\.inl\.h|isa_kernels\.cc|isa_tags\.h|args\.h)", [_PLAIN_STRUCTS]),
    ("kernels", r"kernels/.*", [r"kernels/.*", _STATUS]),
    ("runtime, command line", r"runtime/cli/.*", [r"runtime/.*", r"schema/.*"]),
    ("runtime, images", r"runtime/image/.*", [r"runtime/image/.*", r"runtime/file\.h", _STATUS]),
    ("runtime", r"runtime/.*", [
        r"runtime/(?!cli/|image/).*", r"schema/.*",
        r"kernels/(args|table|dispatch|pack|movement)\.h", r"kernels/onednn/seam\.h"]),
    ("converter", r"converter/.*", [r"converter/.*", r"runtime/.*", r"schema/.*"]),
    ("bench", r"bench/.*", [r"(bench|tests|converter|runtime|kernels|schema)/.*"]),
    ("tests of bench", r"tests/bench/.*", [r"(tests|bench|converter|runtime|kernels|schema)/.*"]),
    ("tests", r"tests/.*", [r"(tests|converter|runtime|kernels|schema)/.*"]),
]

# (library, its headers, where they may be included)
SYSTEM_HEADERS = [
    ("xsimd", r"xsimd/.*", r"kernels/[^/]*"),
    ("intrinsics", r"[a-z0-9]*intrin\.h|arm_neon\.h", r"kernels/[^/]*"),
    ("oneDNN", r"oneapi/.*|dnnl.*", r"kernels/onednn/.*|bench/.*"),
    ("OpenMP", r"omp\.h", r"kernels/onednn/.*|bench/.*"),
    ("ONNX", r"onnx/.*", r"converter/.*|tests/converter/.*"),
    ("protobuf", r"google/protobuf/.*", r"converter/.*|tests/converter/.*"),
    ("libpng", r"png\.h", r"(runtime/image|tests)/.*"),
    ("libjpeg", r"jpeglib\.h|jerror\.h|turbojpeg\.h", r"(runtime/image|tests)/.*"),
    ("FlatBuffers", r"flatbuffers/.*", r"(schema|runtime|converter|tests|bench)/.*"),
    ("tl::expected", r"tl/.*", r"schema/status\.h"),
    ("CLI11", r"CLI/.*", r".*/cli/.*"),
    ("nlohmann-json", r"nlohmann/.*", r".*/cli/.*|(converter|bench|tests)/.*"),
    ("fmt", r"fmt/.*", r".*/cli/.*|(converter|bench|tests)/.*"),
    ("GoogleTest", r"(gtest|gmock)/.*", r"tests/.*"),
    ("Google Benchmark", r"benchmark/.*", r"bench/.*"),
]

_SOURCE = re.compile(r"(schema|kernels|runtime|converter|bench|tests)/.*\.(h|cc|inc)$")
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
_GENERATED = {"schema/qfb_generated.h"}


def _matches(pattern, path):
    return re.fullmatch(pattern, path) is not None


def violations(root, paths):
    """One line for every #include in `paths` (relative to `root`) that breaks a rule."""
    found = []
    for path in filter(_SOURCE.match, paths):
        text = read(root, path)
        layer, _, allowed = next(row for row in LAYERS if _matches(row[1], path))
        for match in _INCLUDE.finditer(text):
            place = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
            own, system = match.groups()
            if own:
                if own not in _GENERATED and not os.path.isfile(os.path.join(root, own)):
                    found.append(f'{place}: "{own}" is not a path from the project\'s root')
                elif not any(_matches(pattern, own) for pattern in allowed):
                    found.append(f'{place}: layer "{layer}" may not include "{own}"')
                continue
            for library, headers, places in SYSTEM_HEADERS:
                if _matches(headers, system) and not _matches(places, path):
                    found.append(f"{place}: <{system}>: {library} may be included only from {places}")
    return found

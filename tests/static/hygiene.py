"""Rules for every text file of the project. Each rule takes (path, text) and yields (line number, what is wrong)."""
import re

# Spelt in pieces, so that this file keeps its own rules.
_OPEN_ENDS = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"]) + r")\b")
_MACHINE_PATHS = re.compile(r"(?<![\w./-])/(" + "|".join(["wo" "rk", "ro" "ot", r"home/[a-z]\w*", "Use" "rs"]) + r")/")
_DISABLED = re.compile(r"\bDISABLED_|#if 0\b")


def _lines(pattern, text, message):
    for number, line in enumerate(text.split("\n"), 1):
        match = pattern.search(line)
        if match:
            yield number, message.format(match.group(0).strip())


def open_ends(path, text):
    """Nothing is left for later."""
    yield from _lines(_OPEN_ENDS, text, "'{}': finish it, or write it into the folder's README as a known gap")


def machine_paths(path, text):
    """The project knows no path of the machine it was written on."""
    yield from _lines(_MACHINE_PATHS, text, "'{}': a path of one machine")


def disabled_code(path, text):
    """Code that does not run does not stay."""
    if path.endswith((".cc", ".h", ".inc")):
        yield from _lines(_DISABLED, text, "'{}': disabled code or test")


def final_newline(path, text):
    """Files end in exactly one newline."""
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield text.count("\n") + 1, "the file does not end in exactly one newline"


def trailing_space(path, text):
    """No spaces at the end of a line, no tabs, no carriage returns."""
    if not path.endswith(("Makefile", ".patch", ".txt", ".csv")):
        yield from _lines(re.compile(r"[ \t\r]+$|\t"), text, "trailing space, tab or carriage return")


def include_guard(path, text):
    """Headers are guarded by QRUN_<PATH>_H_; files that are included as rows or bodies (.inc) are not."""
    if not path.endswith(".h"):
        return
    guard = "QRUN_" + re.sub(r"[^A-Z0-9]", "_", path.upper()) + "_"
    if f"#ifndef {guard}\n#define {guard}\n" not in text or not text.endswith(f"#endif  // {guard}\n"):
        yield 1, f"no include guard {guard} around the whole file"


RULES = [open_ends, machine_paths, disabled_code, final_newline, trailing_space, include_guard]


def violations(path, text):
    """One line for every place in the file that breaks a rule."""
    return [f"{path}:{line}: {what}" for rule in RULES for line, what in rule(path, text)]

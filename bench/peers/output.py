"""How the measuring scripts report: progress on a terminal, tables for people, files that are whole or not there."""
import os
import sys


def progress(message):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{message}", end="", file=sys.stderr, flush=True)


def end_progress():
    progress("")


def error_line(text):
    """What a tool's stderr says was wrong: its line with an error (usage may follow), else the last line with words."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error: " in line), lines[-1] if lines else "no message")


def positive(text):
    """An argument's type: a whole number from 1."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def split_at_dashes(words):
    """What stands before and behind "--"."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1:]


def markdown(table):
    """Rows of text, the heading first, as an aligned table."""
    rows = [table[0], ["---"] * len(table[0]), *table[1:]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table[0]))]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows) + "\n"


def write(path, text):
    """Whole or not at all; - is stdout."""
    if path == "-":
        sys.stdout.write(text)
        return
    with open(path + ".part", "w") as file:
        file.write(text)
    os.replace(path + ".part", path)

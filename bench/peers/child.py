"""A competitor as a child process: lines of words in, lines of JSON out. bench/README.md describes the protocol."""
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading

from output import error_line


class ChildError(Exception):
    """The child refused, failed, ended or stayed silent; the text says which."""


# What forces instruction sets from outside: who compares says which are used, so these are not passed on.
FORCING = ("QRUN_ISA", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")


class Child:
    """Starts `command`, with `env` over this process's environment without FORCING, and waits for its first line, which is
    `facts`. Use as a context manager, or call close()."""

    def __init__(self, command, threads, start_timeout=300, env=None):
        environment = {key: value for key, value in os.environ.items() if key not in FORCING}
        environment.update(env or {}, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
                                             env=environment, text=True, start_new_session=True)
        except OSError as error:
            self._errors.close()
            raise ChildError(f"cannot start {command[0]}: {error.strerror}") from error
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.facts = self._answer(start_timeout)
        except ChildError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _last_words(self):
        self._errors.seek(0)
        return error_line(self._errors.read().decode(errors="replace"))

    def _answer(self, timeout):
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise ChildError(f"no answer within {timeout:g} s") from None
        if line is None:
            raise ChildError(f"ended with {self._process.wait()}: {self._last_words()}")
        try:
            answer = json.loads(line)
        except ValueError:
            raise ChildError(f"answered '{line.strip()[:200]}', which is no JSON") from None
        if not isinstance(answer, dict):
            raise ChildError(f"answered '{line.strip()[:200]}', which is no object")
        if "error" in answer:
            raise ChildError(answer["error"])
        return answer

    def _ask(self, request, timeout):
        try:
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
        except OSError:
            raise ChildError(f"ended with {self._process.wait()}: {self._last_words()}") from None
        return self._answer(timeout)

    def time(self, milliseconds):
        """Nanoseconds of each of the runs that the child made in a row, for at least that long."""
        nanoseconds = self._ask(f"time {milliseconds:g}", timeout=120 + milliseconds / 100).get("ns")
        if not nanoseconds or not all(isinstance(ns, (int, float)) and ns > 0 for ns in nanoseconds):
            raise ChildError("gave no times")
        return nanoseconds

    def score(self, source, target, items):
        """Writes the outputs of the inputs in the .npy file `source`, of which there are `items`."""
        if self._ask(f"score {source} {target}", timeout=60 + 2 * items).get("items") != items:
            raise ChildError(f"did not run the {items} items of {source}")

    def close(self):
        """Ends the process: asked first, then by force."""
        try:
            self._process.stdin.write("quit\n")
            self._process.stdin.close()
        except OSError:
            pass
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._errors.close()

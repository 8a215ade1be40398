"""A long evaluation that is interrupted with Ctrl-C goes on where it was, and ends with what one run gives."""
import json
import os
import signal
import subprocess
import time
import unittest

import tools

LIST = os.path.join(tools.SOURCE, "tests/zoo/rps/test.csv")
SOURCE = os.path.join(tools.SOURCE, "tests/zoo/rps/mobilenet_v2_rps.onnx")


class Interrupt(tools.ToolTest):
    def test_sigint_and_resume(self):
        model = self.path("model.qfb")
        self.succeed("qconvert", SOURCE, "-o", model, "--dtype", "fp32", "--preprocess", "torch", "--quiet")
        # Every picture several times, so that there is time to interrupt.
        with open(LIST) as file:
            header, *lines = file.read().splitlines()
        folder = os.path.dirname(LIST)
        images = self.write("long.csv", "\n".join([header] + [f"{folder}/{line}" for line in lines * 3]) + "\n")
        arguments = [model, "--list", images, "--threads", "1", "--json", "-"]
        whole = json.loads(self.succeed("qeval", *arguments))

        state = self.path("state")
        child = subprocess.Popen([os.path.join(tools.BIN, "qeval"), *arguments, "--state", state], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.3 * whole["seconds"])
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, tools.ERROR, err)
        self.assertEqual(out, "")
        self.assertIn("interrupted after", err)
        self.assertTrue(os.path.exists(state))

        resumed = json.loads(self.succeed("qeval", *arguments, "--state", state))
        for key in ("images", "failed", "top1", "top5", "loss"):
            self.assertEqual(resumed[key], whole[key], key)


if __name__ == "__main__":
    unittest.main()

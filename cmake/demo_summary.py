"""Prints what two runs of `qrun --json` say of the same model in int8 and float: demo_summary.py int8.json fp32.json
model.onnx"""
import json
import os
import statistics
import sys


def load(path):
    with open(path) as file:
        return json.load(file)


def main(int8_path, fp32_path, onnx_path):
    int8, fp32 = load(int8_path), load(fp32_path)
    print(f"\n   {'image':34} {'int8':>22} {'float':>22}")
    for quantised, real in zip(int8["results"], fp32["results"]):
        cells = [f"{r['top'][0]['label']} {r['top'][0]['confidence'] * 100:5.1f} %" for r in (quantised, real)]
        name = os.path.join(*quantised["image"].split(os.sep)[-2:])
        print(f"   {name:34} {cells[0]:>22} {cells[1]:>22}")

    def milliseconds(report):
        return statistics.median(result["run_ms"] for result in report["results"])

    rows = [("file", int8["file_bytes"] / 1e6, fp32["file_bytes"] / 1e6, "{:.2f} MB"),
            ("activations (arena)", int8["arena_bytes"] / 1024, fp32["arena_bytes"] / 1024, "{:.0f} KiB"),
            ("time of one run", milliseconds(int8), milliseconds(fp32), "{:.3f} ms")]
    print(f"\n   {'':34} {'int8':>22} {'float':>22}   float / int8")
    for name, small, large, form in rows:
        print(f"   {name:34} {form.format(small):>22} {form.format(large):>22} {large / small:12.1f} x")
    print(f"\n   Medians of 50 runs of each image, {int8['threads']} thread(s), kernels for {int8['isa']}.")
    print(f"   The ONNX file that both come from has {os.path.getsize(onnx_path) / 1e6:.2f} MB.")


if __name__ == "__main__":
    main(*sys.argv[1:])

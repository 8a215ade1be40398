"""How the cost of MobileNetV2 grows: time against input size, width, batch and threads. bench/growth.sh starts it."""
import json

import sweep  # first: it says where the others are
import output
import nets

DTYPES = ("int8", "float32")


def points(options):
    """(axis, size, width, batch): along each axis the others stand still."""
    return ([("size", size, 1.0, 1) for size in options.sizes] + [("width", options.size, width, 1) for width in options.widths] +
            [("batch", options.size, 1.0, batch) for batch in options.batches])


def measure(tools, options):
    """(the last of qbench's reports, a row per point, arithmetic and number of threads)."""
    rows, report, known = [], None, {}
    todo = points(options)
    models = {}
    for _, size, width, _ in todo:  # all conversions first: they may disturb the times of whoever runs beside them
        models[size, width] = tools.convert(
            f"mobilenet_v2_{width:g}_{size}", lambda path, size=size, width=width: nets.export(*nets.mobilenet_v2(width, size), path))
    for number, (axis, size, width, batch) in enumerate(todo, 1):
        output.progress(f"{axis}: {number} of {len(todo)}")
        if (size, width, batch) not in known:
            report = tools.bench(models[size, width], options.isa, options.threads, "--batch", batch)
            known[size, width, batch] = [
                {"size": size, "width": width, "batch": batch, "threads": result["threads"], "dtype": result["dtype"],
                 "isa": result["isa"], "macs": batch * result["macs"], "median_ms": result["median_ms"], "min_ms": result["min_ms"],
                 "gmacs_per_second": batch * result["macs"] / result["median_ms"] / 1e6, "arena_bytes": result["arena_bytes"]}
                for result in report["results"]]
        rows += [{"axis": axis, **row} for row in known[size, width, batch]]
    output.end_progress()
    return report, rows


def text(report):
    """A table per axis."""
    parts = []
    for axis in ("size", "width", "batch"):
        rows = [row for row in report["points"] if row["axis"] == axis]
        keys = list(dict.fromkeys((row["dtype"], row["threads"]) for row in rows))
        table = [[axis, "MMAC", *(f"{dtype}, {threads} thr, ms" for dtype, threads in keys), *(f"{dtype}, {threads} thr, GMAC/s" for dtype, threads in keys)]]
        for value in dict.fromkeys(row[axis] for row in rows):
            here = {(row["dtype"], row["threads"]): row for row in rows if row[axis] == value}
            table.append([f"{value:g}", f"{next(iter(here.values()))['macs'] / 1e6:.0f}", *(f"{here[key]['median_ms']:.3f}" for key in keys),
                          *(f"{here[key]['gmacs_per_second']:.0f}" for key in keys)])
        if rows:
            parts.append(output.markdown(table))
    return "\n".join(parts)


def main():
    parser = sweep.parser("growth", "Times MobileNetV2 with random weights, int8 and float, over input size, width and batch, each with "
                          "some numbers of threads, and prints a table per axis.")
    parser.add_argument("--sizes", type=sweep.list_of(output.positive), default=[96, 128, 160, 192, 224, 256, 320, 384, 448, 512], help="(default: 96 to 512)")
    parser.add_argument("--widths", type=sweep.list_of(float), default=[0.35, 0.5, 0.75, 1.0, 1.4], help="(default: 0.35 to 1.4)")
    parser.add_argument("--batches", type=sweep.list_of(output.positive), default=[1, 2, 4, 8, 16, 32], help="(default: 1 to 32)")
    parser.add_argument("--size", type=output.positive, default=224, help="where width and batch grow (default: %(default)s)")
    parser.add_argument("--threads", type=sweep.list_of(output.positive), default=[1, 2], help="(default: 1,2)")
    parser.add_argument("--isa", help="instruction set, of oneDNN too (default: the best)")
    parser.add_argument("--html", help="write a page with charts")
    options = parser.parse_args()
    tools = sweep.Tools(options)
    last, rows = measure(tools, options)
    report = {**sweep.head("growth", last, {"rounds": options.rounds, "threads": options.threads, "isa": options.isa, "size": options.size}), "points": rows}
    if options.json:
        output.write(options.json, json.dumps(report, indent=2) + "\n")
    if options.html:
        tools.page(report, options.html, "How MobileNetV2's cost grows")
    if options.json != "-":
        print(text(report), end="")
    return 0


if __name__ == "__main__":
    sweep.run(main)

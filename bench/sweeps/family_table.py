"""int8 against float for every family of networks that the project knows. bench/families.sh starts it."""
import json
import os
import shutil

import sweep  # first: it says where the others are
import output
import families
import nets

# MLPerf Tiny's four networks, if ../shared/data has them.
TINY = {"keyword spotting": "kws_float.onnx", "ResNet-8": "resnet8_float.onnx", "visual wake words": "vww_float.onnx",
        "anomaly detection": "ad_float.onnx"}


def exporters(options):
    """{name: (a function that writes the ONNX file, a text that changes when that would be another)}, and {name: why not}."""
    found, absent = {}, {}
    for name in families.FAMILIES:
        found[name] = (lambda path, name=name: nets.export(*nets.family(name, options.size), path), str(options.size))
    for name, file in TINY.items():
        source = os.path.join(options.data, "mlperf_tiny", file)
        if os.path.exists(source):
            found[name] = (lambda path, source=source: shutil.copyfile(source, path), str(os.path.getmtime(source)))
        else:
            absent[name] = f"no {source}"
    if options.only:
        unknown = [name for name in options.only if name not in found and name not in absent]
        if unknown:
            raise sweep.Failure(f"unknown model '{unknown[0]}', known are {', '.join([*found, *absent])}")
        found, absent = ({name: value for name, value in names.items() if name in options.only} for names in (found, absent))
    return found, absent


def measure(tools, options, found):
    models = {name: tools.convert(name.replace(" ", "_"), make, key) for name, (make, key) in found.items()}
    rows, report = [], None
    for isa in options.isa:
        for number, (name, files) in enumerate(models.items(), 1):
            output.progress(f"{isa or 'best ISA'}: {name}, {number} of {len(models)}")
            report = tools.bench(files, isa, options.threads)
            for comparison in report["comparisons"]:
                plain, quantised = (next(result for result in report["results"] if result["role"] == role and
                                         result["threads"] == comparison["threads"]) for role in ("baseline", "candidate"))
                rows.append({"name": name, "isa": comparison["isa"], "threads": comparison["threads"], "macs": quantised["macs"],
                             "float_ms": plain["median_ms"], "int8_ms": quantised["median_ms"], "speedup": comparison["speedup"],
                             "speedup_ci95": comparison["speedup_ci95"], "verdict": comparison["verdict"]})
    output.end_progress()
    return report, rows


def text(report):
    rows, parts = report["results"], []
    for isa, threads in dict.fromkeys((row["isa"], row["threads"]) for row in rows):
        table = [[f"{isa}, {threads} thread(s)", "MMAC", "float ms", "int8 ms", "speedup", "95 % interval", ""]]
        for row in rows:
            if (row["isa"], row["threads"]) == (isa, threads):
                table.append([row["name"], f"{row['macs'] / 1e6:.1f}", f"{row['float_ms']:.3f}", f"{row['int8_ms']:.3f}", f"{row['speedup']:.2f}",
                              "%.2f – %.2f" % tuple(row["speedup_ci95"]), {"slower": "SLOWER", "too_noisy": "too noisy"}.get(row["verdict"], "")])
        parts.append(output.markdown(table))
    parts += [f"{name}: left out: {why}\n" for name, why in report["absent"].items()]
    return "\n".join(parts)


def main():
    parser = sweep.parser("families", "Times int8 against float for every family in tests/zoo/families.py, with random weights, and MLPerf "
                          "Tiny's four networks, in turns, and prints a table per instruction set. oneDNN, which runs the float "
                          "operators, is held to the same one.")
    parser.add_argument("--isa", type=sweep.list_of(str), default=[None], help="comma separated (default: the best)")
    parser.add_argument("--threads", type=sweep.list_of(output.positive), default=[1], help="(default: 1)")
    parser.add_argument("--size", type=output.positive, default=224, help="of pictures (default: %(default)s)")
    parser.add_argument("--only", type=sweep.list_of(str), help="comma separated names")
    parser.add_argument("--data", default=os.path.join(sweep.ROOT, "../shared/data"), help="where MLPerf Tiny is (default: ../shared/data)")
    options = parser.parse_args()
    tools = sweep.Tools(options)
    found, absent = exporters(options)
    if not found:
        raise sweep.Failure("no model is left: " + "; ".join(absent.values()))
    last, rows = measure(tools, options, found)
    report = {**sweep.head("families", last, {"rounds": options.rounds, "threads": options.threads, "isas": options.isa, "size": options.size}),
              "results": rows, "absent": absent}
    if options.json:
        output.write(options.json, json.dumps(report, indent=2) + "\n")
    if options.json != "-":
        print(text(report), end="")
    return 0


if __name__ == "__main__":
    sweep.run(main)

"""Which candidate is the fastest for which shape: the measured reasons of the planner's rules. bench/tuning.sh starts it."""
import json
import os

import sweep  # first: it says where the others are
import output
import nets

# Networks in which the blocks of many shapes occur.
NETWORKS = {
    "mobilenet_v2_1_224": lambda: nets.mobilenet_v2(1.0, 224),
    "mobilenet_v2_0.35_96": lambda: nets.mobilenet_v2(0.35, 96),
    "mobilenet_v2_1.4_320": lambda: nets.mobilenet_v2(1.4, 320),
    "mobilenet_v3_large_224": lambda: nets.family("mobilenet_v3_large", 224),
    "efficientnet_lite0_224": lambda: nets.family("efficientnet_lite0", 224),
}
# A candidate that is faster by less may be so by chance.
MARGIN = 1.05
TABLE = os.path.join(sweep.ROOT, "kernels/tuning.md")
HEAD = """# Which candidate runs a block

Made by `bash bench/tuning.sh`; do not edit. Where an operator has several candidates the plan takes the first that does not decline
(`runtime/ops/candidates.h`), by rules that look at shape and instruction set, never by timing: plans are reproducible. This
table is what the rules have to agree with: {kind} of the networks in `bench/sweeps/tuning.py` as one depth-first operator and as its
parts, median ms in turns within the whole network (`qbench --candidates`), one thread, on {cpu}, qrun {version}.
`parts / fused` above 1: fused is faster. **Bold**: the plan's choice is slower than the other by more than {margin:.0f} %.

"""


def block_text(operator):
    """"5x5, stride 2, with residual" and the output's extents."""
    options = operator["options"]
    kind = "x".join(map(str, options["kernel"])) + f", stride {options['stride'][0]}"
    kind += ("" if options["expand"] else ", no expansion") + (", residual" if options["residual"] else "")
    return kind, "x".join(map(str, operator["shape"][1:]))


def measure(tools, options):
    """(qbench's last report, {a block: {isa: (fused ms, parts ms, what the plan took)}})."""
    blocks, report = {}, None
    models = {name: tools.convert(name, lambda path, make=make: nets.export(*make(), path)) for name, make in NETWORKS.items()
              if not options.only or name in options.only}
    for name, (_, int8) in models.items():
        described = json.loads(tools.call("qinspect", int8, "--json"))
        for isa in options.isa:
            output.progress(f"{name}, {isa}")
            report = tools.bench([int8], isa, [1], "--candidates")
            for row in report["results"][0]["candidates"]:
                if row["kind"] != "InvertedResidual" or len(row["candidates"]) != 2:
                    continue
                op = described["operators"][row["op_index"]]
                key = (name, row["op_index"], *block_text(op), op["macs"])
                fused = [candidate for candidate in row["candidates"] if len(candidate["kernels"]) == 1]
                parts = [candidate for candidate in row["candidates"] if len(candidate["kernels"]) > 1]
                blocks.setdefault(key, {})[report["results"][0]["isa"]] = (fused[0]["ms"], parts[0]["ms"], fused[0]["chosen"])
    output.end_progress()
    return report, blocks


def text(blocks):
    """The table, and how many choices are worse than the other."""
    isas = list(dict.fromkeys(isa for costs in blocks.values() for isa in costs))
    table, wrong = [["network", "block", "output", "MMAC", *(f"{isa}: parts / fused" for isa in isas), "plan takes"]], 0
    for (name, _, kind, target, macs), costs in blocks.items():
        cells, taken = [], {}
        for isa in isas:
            if isa not in costs:
                cells.append("–")
                continue
            fused, parts, fused_chosen = costs[isa]
            taken[isa] = "fused" if fused_chosen else "parts"
            bad = (fused / parts if fused_chosen else parts / fused) > MARGIN
            wrong += bad
            cells.append(("**%.2f**" if bad else "%.2f") % (parts / fused))
        kinds = set(taken.values())
        cells.append(kinds.pop() if len(kinds) == 1 else ", ".join(f"{isa}: {kind}" for isa, kind in taken.items()))
        table.append([name, kind, target, f"{macs / 1e6:.1f}", *cells])
    return output.markdown(table), wrong


def main():
    parser = sweep.parser("tuning", "Times every inverted residual block of some networks as one operator and as its parts, on every "
                          "instruction set, and writes the table that the planner's rules are held to.")
    parser.add_argument("--isa", type=sweep.list_of(str), help="comma separated (default: all of this CPU but ref)")
    parser.add_argument("--only", type=sweep.list_of(str), help="comma separated networks: " + ", ".join(NETWORKS))
    parser.add_argument("--table", default=TABLE, help="the file to write; - for stdout (default: kernels/tuning.md)")
    options = parser.parse_args()
    for name in options.only or []:
        if name not in NETWORKS:
            parser.error(f"--only: '{name}' is none of {', '.join(NETWORKS)}")
    tools = sweep.Tools(options)
    if not options.isa:
        golden = os.path.join(sweep.ROOT, "tests/golden/rps_int8.qfb")
        options.isa = [isa for isa in tools.bench([golden], None, [1])["machine"]["isas"] if isa != "ref"]
    report, blocks = measure(tools, options)
    table, wrong = text(blocks)
    begin = HEAD.format(kind="the inverted residual blocks", cpu=report["machine"]["cpu"], version=report["version"], margin=100 * (MARGIN - 1))
    output.write(options.table, begin + table)
    if options.json:
        rows = [{"network": name, "op_index": index, "block": kind, "output": target, "macs": macs, "isa": isa, "fused_ms": fused,
                 "parts_ms": parts, "takes_fused": chosen}
                for (name, index, kind, target, macs), costs in blocks.items() for isa, (fused, parts, chosen) in costs.items()]
        output.write(options.json, json.dumps({**sweep.head("tuning", report, {"rounds": options.rounds, "isas": options.isa}), "blocks": rows}, indent=2) + "\n")
    print(f"{len(blocks)} blocks on {len(options.isa)} instruction sets; the plan's choice is the slower one {wrong} times"
          + ("" if options.table == "-" else f"; see {options.table}"))
    return 0


if __name__ == "__main__":
    sweep.run(main)

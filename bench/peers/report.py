"""The comparison as a table for people."""
from output import markdown


def _number(value, form):
    return "–" if value is None else form % value


def int8_text(peer):
    """"int8: 53 of 53 convolutions and matrix products", and for int8 peers a mark if that is not all of them."""
    facts = peer.get("int8")
    if facts is None:
        return "int8: not known"
    text = f"int8: {facts['done']} of {facts['of']} {facts['what']}"
    kernels = ", ".join(f"{count} {name}" for name, count in sorted(facts["kernels"].items(), key=lambda item: (-item[1], item[0])))
    return f"{text} ({kernels})"


def runs_int8(peer):
    """Whether everything that multiplies ran on integers."""
    facts = peer.get("int8") or {}
    return facts.get("of", 0) > 0 and facts.get("done") == facts["of"]


def isa_text(report):
    """What the table's heading says of the instruction set: the one that was forced, or the one that qrun took by itself."""
    forced = report["options"]["isa"]
    return forced or f"best ISA ({report['peers']['qrun int8']['isa']})"


def rows(report):
    """The table: a list of rows of text, the heading first."""
    table = [[isa_text(report), "threads", "ms", "time / qrun's", "95 % interval", "best ms", "best / qrun's", "ran int8", "top-1 %", "as float %"]]
    accuracy = report["accuracy"] or {"top1": {}, "agreement": {}}
    for result in report["results"]:
        name, peer = result["name"], report["peers"][result["name"]]
        ran = "–"
        if result["dtype"] == "int8":
            facts = peer.get("int8") or {"done": 0, "of": 0}
            ran = f"{facts['done']} of {facts['of']}" + ("" if runs_int8(peer) else " (!)")
        table.append([name, str(result["threads"]), "%.3f" % result["median_ms"], "%.2f" % result["ratio"],
                      "%.2f – %.2f" % tuple(result["ratio_ci95"]), "%.3f" % result["best_ms"], "%.2f" % result["best_ratio"], ran,
                      _number(accuracy["top1"].get(name), "%.1f"), _number(accuracy["agreement"].get(name), "%.1f")])
    return table


def text(report):
    """Everything that is printed."""
    lines = markdown(rows(report)).split("\n")
    for name, peer in report["peers"].items():
        if peer["not_run"]:
            lines.append(f"{name}: not run: {peer['not_run']}")
            continue
        parts = [str(peer["version"])]
        if peer.get("isa"):
            parts.append(peer["isa"])
        if peer.get("engine"):
            parts.append(f"engine {peer['engine']}")
        if peer["dtype"] == "int8":
            parts.append(int8_text(peer))
            if not runs_int8(peer):
                parts.append("(!) not everything ran in int8")
        if peer.get("overhead_us") is not None:
            parts.append(f"{peer['overhead_us']:.0f} us of each run are the call from JavaScript")
        lines.append(f"{name}: " + "; ".join(parts))
    for failure in report["failures"]:
        lines.append(f"{failure['name']}, {failure['threads']} thread(s): failed: {failure['reason']}")
    if report["accuracy"]:
        lines.append(f"accuracy on {report['accuracy']['images']} images")
    return "\n".join(lines) + "\n"

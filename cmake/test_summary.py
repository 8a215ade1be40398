"""Sums up what ctest wrote with --output-junit, for people: test_summary.py build/<preset>/tests.xml...

Prints a line per build, every failure, every reason for a skip, and "N passed, N failed" last. Exits with 1 if a test
failed, or if a build has no results or no test that passed.
"""
import collections
import os
import re
import sys
import xml.etree.ElementTree

# How GoogleTest and unittest say why a test skipped.
_REASONS = [re.compile(r"Skipped\n(.+)"), re.compile(r"skipped ['\"](.+)['\"]")]


def reason_of(case):
    output = case.findtext("system-out") or ""
    for pattern in _REASONS:
        match = pattern.search(output)
        if match:
            return match.group(1).strip()
    skipped = case.find("skipped")
    return (skipped.get("message") if skipped is not None else None) or "no reason given"


def main(paths):
    totals = collections.Counter()
    failures, reasons, broken = [], collections.defaultdict(list), False
    print("Summary")
    for path in paths:
        preset = os.path.basename(os.path.dirname(path))
        try:
            suite = xml.etree.ElementTree.parse(path).getroot()
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            print(f"  {preset:10} no results: {error}")
            broken = True
            continue
        counts = collections.Counter()
        for case in suite.iter("testcase"):
            status = case.get("status")
            kind = {"run": "passed", "fail": "failed"}.get(status, "skipped")
            counts[kind] += 1
            if kind == "failed":
                failures.append(f"{preset}: {case.get('name')}")
            elif kind == "skipped":
                reasons[reason_of(case)].append(f"{preset}: {case.get('name')}")
        seconds = sum(float(case.get("time", 0)) for case in suite.iter("testcase"))
        print(f"  {preset:10} {counts['passed']:5} passed {counts['failed']:5} failed {counts['skipped']:5} skipped"
              f"   {seconds:7.1f} s of tests")
        broken = broken or counts["passed"] == 0
        totals.update(counts)
    for reason, names in sorted(reasons.items()):
        print(f"  skipped {len(names)}: {reason}")
    for name in failures:
        print(f"  FAILED  {name}")
    print(f"\n{totals['passed']} passed, {totals['failed']} failed")
    return 1 if broken or totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env bash
# Measures what each repair and each observer gains on one model. `--help` lists the options; bench/README.md says more.
exec bash "$(dirname "$0")/sweeps/start.sh" accuracy.py "$@"

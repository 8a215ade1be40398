#!/usr/bin/env bash
# Regenerates kernels/tuning.md, the measured reasons of the planner's rules. `--help` lists the options.
exec bash "$(dirname "$0")/sweeps/start.sh" tuning.py "$@"

#!/usr/bin/env bash
# Times MobileNetV2 over input size, width, batch and threads. `--help` lists the options; bench/README.md says more.
exec bash "$(dirname "$0")/sweeps/start.sh" growth.py "$@"

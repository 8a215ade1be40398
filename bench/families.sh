#!/usr/bin/env bash
# Times int8 against float for every family of networks. `--help` lists the options; bench/README.md says more.
exec bash "$(dirname "$0")/sweeps/start.sh" family_table.py "$@"

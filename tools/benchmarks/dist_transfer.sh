#!/usr/bin/env bash
# Trains a downstream config on an exported backbone, on one machine or several.
# Usage: [the variables of tools/dist_train.sh] \
#            tools/benchmarks/TASK/dist_train.sh CONFIG EXPORT GPUS \
#            [KEY=VALUE ...] [arguments of train.py]
# EXPORT is a folder that tools/export_subnet.py wrote.
set -euo pipefail

if [ "$#" -lt 3 ]; then
    echo "usage: $0 CONFIG EXPORT GPUS [KEY=VALUE ...] [arguments of train.py]" >&2
    exit 2
fi

exec bash "$(dirname "$0")/../dist_train.sh" "$1" "$3" \
    --cfg-options "backbone=$2" "${@:4}"

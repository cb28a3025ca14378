#!/usr/bin/env bash
# Trains a downstream config on an exported backbone, on a cluster.
# Usage: [the other variables of tools/slurm_train.sh] \
#            tools/benchmarks/TASK/slurm_train.sh PARTITION CONFIG EXPORT GPUS \
#            [KEY=VALUE ...] [arguments of train.py]
# EXPORT is a folder that tools/export_subnet.py wrote.
set -euo pipefail

if [ "$#" -lt 4 ]; then
    echo "usage: $0 PARTITION CONFIG EXPORT GPUS [KEY=VALUE ...] [arguments of train.py]" >&2
    exit 2
fi

JOB=$(basename "$2" .py)
GPUS=$4 exec bash "$(dirname "$0")/../slurm_train.sh" "$1" "$JOB" "$2" \
    --cfg-options "backbone=$3" "${@:5}"

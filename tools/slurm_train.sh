#!/usr/bin/env bash
# Usage: [PYTHON=... GPUS=8 GPUS_PER_NODE=8 CPUS_PER_TASK=... SRUN_ARGS=...] \
#            tools/slurm_train.sh PARTITION JOB CONFIG [arguments of train.py]
set -euo pipefail

if [ "$#" -lt 3 ]; then
    echo "usage: $0 PARTITION JOB CONFIG [arguments of train.py]" >&2
    exit 2
fi

exec bash "$(dirname "$0")/slurm_run.sh" "$1" "$2" train.py "${@:3}"

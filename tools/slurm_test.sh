#!/usr/bin/env bash
# Usage: [PYTHON=... GPUS=8 GPUS_PER_NODE=8 CPUS_PER_TASK=... SRUN_ARGS=...] \
#            tools/slurm_test.sh PARTITION JOB CONFIG CHECKPOINT [arguments of test.py]
set -euo pipefail

if [ "$#" -lt 4 ]; then
    echo "usage: $0 PARTITION JOB CONFIG CHECKPOINT [arguments of test.py]" >&2
    exit 2
fi

exec bash "$(dirname "$0")/slurm_run.sh" "$1" "$2" test.py "${@:3}"

#!/usr/bin/env bash
# What slurm_train.sh and slurm_test.sh share: runs a tool of this folder on a cluster.
# Usage: [PYTHON=... GPUS=8 GPUS_PER_NODE=8 CPUS_PER_TASK=... SRUN_ARGS=...] \
#            tools/slurm_run.sh PARTITION JOB TOOL [arguments of the tool]
# CPUS_PER_TASK is by default what the config's loading workers need, and one.
set -euo pipefail

if [ "$#" -lt 3 ]; then
    echo "usage: $0 PARTITION JOB TOOL [arguments of the tool]" >&2
    exit 2
fi

PYTHON=${PYTHON:-$(command -v python || command -v python3)}

CPUS_PER_TASK=${CPUS_PER_TASK:-$("$PYTHON" -m mmtaskssl.cli.cpus "${@:4}" | tail -n 1)}

# SRUN_ARGS is several words on purpose.
# shellcheck disable=SC2086
exec srun -p "$1" \
    --job-name="$2" \
    --gres=gpu:"${GPUS_PER_NODE:-8}" \
    --ntasks="${GPUS:-8}" \
    --ntasks-per-node="${GPUS_PER_NODE:-8}" \
    --cpus-per-task="$CPUS_PER_TASK" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "$PYTHON" -u "$(dirname "$0")/$3" --launcher slurm "${@:4}"

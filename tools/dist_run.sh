#!/usr/bin/env bash
# What dist_train.sh and dist_test.sh share: runs a tool of this folder in GPUS processes
# a machine, of which there are NNODES.
# Usage: [PYTHON=... NNODES=... NODE_RANK=... MASTER_ADDR=... PORT=...] \
#            tools/dist_run.sh GPUS TOOL [arguments of the tool]
# On a machine without a GPU, GPUS counts processes that talk over gloo.
set -euo pipefail

if [ "$#" -lt 2 ]; then
    echo "usage: $0 GPUS TOOL [arguments of the tool]" >&2
    exit 2
fi

PYTHON=${PYTHON:-$(command -v python || command -v python3)}

exec "$PYTHON" -m mmtaskssl.engine.launch \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$1" \
    "$(dirname "$0")/$2" --launcher pytorch "${@:3}"

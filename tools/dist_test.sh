#!/usr/bin/env bash
# Usage: [PYTHON=... NNODES=... NODE_RANK=... MASTER_ADDR=... PORT=...] \
#            tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]
# On a machine without a GPU, GPUS counts processes that talk over gloo.
set -euo pipefail

if [ "$#" -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT GPUS [arguments of test.py]" >&2
    exit 2
fi

CONFIG=$1
CHECKPOINT=$2
GPUS=$3
PYTHON=${PYTHON:-$(command -v python || command -v python3)}

exec "$PYTHON" -m mmtaskssl.engine.launch \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$GPUS" \
    "$(dirname "$0")/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"

#!/usr/bin/env bash
# Usage: [PYTHON=... NNODES=... NODE_RANK=... MASTER_ADDR=... PORT=...] \
#            tools/dist_train.sh CONFIG GPUS [arguments of train.py]
# On a machine without a GPU, GPUS counts processes that talk over gloo.
set -euo pipefail

if [ "$#" -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [arguments of train.py]" >&2
    exit 2
fi

exec bash "$(dirname "$0")/dist_run.sh" "$2" train.py "$1" "${@:3}"

#!/usr/bin/env bash
# Usage: [PYTHON=... NNODES=... NODE_RANK=... MASTER_ADDR=... PORT=...] \
#            tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of test.py]
# On a machine without a GPU, GPUS counts processes that talk over gloo.
set -euo pipefail

if [ "$#" -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT GPUS [arguments of test.py]" >&2
    exit 2
fi

exec bash "$(dirname "$0")/dist_run.sh" "$3" test.py "$1" "$2" "${@:4}"

#!/usr/bin/env bash
# Runs every test that needs a GPU, on one of them. With two or more, NCCL as well.
# Usage: [PYTHON=python3 LIMIT=600] tools/test_gpu.sh [--wheels DIR] [arguments of pytest]
# Sets up what `make test` does, with the GPU's faiss. With --wheels it needs no network:
# PYTHON has torch and torchvision already, and DIR holds wheels of whatever it lacks.
# Ends after LIMIT seconds.
set -euo pipefail

PYTHON=${PYTHON:-$(command -v python3 || command -v python)}
EXTRAS=gpu,det,seg,export,quickstart,test

if [ "${1:-}" = --wheels ]; then
    wheels=$(realpath -m "${2:?"usage: $0 --wheels DIR"}")
    shift 2
    cd "$(dirname "$0")/.."
    if ! compgen -G "$wheels/*.whl" > /dev/null; then
        echo "error: $wheels holds no wheels; take a folder that pip download or pip" \
            "wheel filled" >&2
        exit 2
    fi
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --target "$site" \
        "$wheels"/*.whl
    export PYTHONPATH="$site:$PWD${PYTHONPATH:+:$PYTHONPATH}"
else
    cd "$(dirname "$0")/.."
    make -s env PYTHON="$PYTHON" EXTRAS="$EXTRAS"
    PYTHON=$(make -s print-python PYTHON="$PYTHON" EXTRAS="$EXTRAS")
fi

if ! "$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "error: torch sees no CUDA device here; make test runs what needs none" >&2
    exit 2
fi
timeout "${LIMIT:-600}" "$PYTHON" -m pytest -m gpu --durations=10 "$@"

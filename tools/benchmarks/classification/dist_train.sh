#!/usr/bin/env bash
# See tools/benchmarks/dist_transfer.sh; configs are in configs/transfer/classification.
exec bash "$(dirname "$0")/../dist_transfer.sh" "$@"

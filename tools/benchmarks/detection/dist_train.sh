#!/usr/bin/env bash
# See tools/benchmarks/dist_transfer.sh; configs are in configs/transfer/detection.
exec bash "$(dirname "$0")/../dist_transfer.sh" "$@"

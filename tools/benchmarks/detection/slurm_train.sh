#!/usr/bin/env bash
# See tools/benchmarks/slurm_transfer.sh; configs are in configs/transfer/detection.
exec bash "$(dirname "$0")/../slurm_transfer.sh" "$@"

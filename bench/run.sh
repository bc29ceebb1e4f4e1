#!/usr/bin/env bash
# Measures rely beside its floors, in one run: bench/run.sh [-pairs 25]
# -only TEXT measures the rows with this text in their names.
# It prints a table and judges nothing: times are for people to read.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
CGO_ENABLED=0 go build -trimpath -tags=nethttpomithttp2 -ldflags='-s -w' -o "$bin/" ./bench/...
# As .goreleaser.yaml builds it.
CGO_ENABLED=0 go build -trimpath -tags=nethttpomithttp2 -gcflags='rely/...=-l' -gcflags='github.com/...=-l' -gcflags='go.yaml.in/...=-l' \
  -ldflags='-s -w -funcalign=16' -o "$bin/" .
"$bin/bench" -bin "$bin" "$@"

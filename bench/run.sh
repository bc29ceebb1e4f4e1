#!/usr/bin/env bash
# Measures rely beside its floors, in one run: bench/run.sh [-pairs 25]
# -only TEXT measures the rows with this text in their names.
# It prints a table and judges nothing: times are for people to read.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
mkdir "$bin/built"
# The floors are what anybody builds: HTTP/2 left out (docs/decisions/0012) is ours.
CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$bin/built/" ./bench/...
.ci/build-release "$bin/built/rely"
# Written from front to back, as an installer does. How a linker leaves a file in
# the page cache changes the CPU time of its start by a tenth, either way.
for program in "$bin"/built/*; do
  cat "$program" >"$bin/${program##*/}"
  chmod +x "$bin/${program##*/}"
done
"$bin/bench" -bin "$bin" "$@"

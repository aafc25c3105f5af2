#!/usr/bin/env bash
# Fuzzes each target for FUZZ_SECONDS (default 60), from the committed corpus. What it finds goes to the target folder,
# which it names. Usage: fuzz/run.sh [TARGET…]
#
# Coverage is all the compiler is asked for: that is in the stable toolchain, sanitizers are not.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
seconds=${FUZZ_SECONDS:-60}
build=${CARGO_TARGET_DIR:-$top/target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(kpl decode events framings infer data_type)

export RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
# With the target named, build scripts and macros are compiled without these flags.
cargo build --release --locked --manifest-path "$top/fuzz/Cargo.toml" --target "$host" --target-dir "$build"

for target in "${targets[@]}"; do
  found=$build/corpus/$target
  artifacts=$build/artifacts/$target
  mkdir -p "$found" "$artifacts"
  echo "Fuzzing $target for $seconds seconds; what breaks it goes to $artifacts." >&2
  # A record unpacks to 64 MiB at most, beside what the fuzzer itself needs.
  "$build/$host/release/$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
    -print_final_stats=1 -verbosity=0 -dict="$top/fuzz/json.dict" -artifact_prefix="$artifacts/" \
    "$found" "$top/fuzz/corpus/$target"
done

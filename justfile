# What is done to the project, by name. CI runs the same scripts: see .ci/run.

# Run all tests; they start a Postgres of their own.
test *arguments:
    cargo test --locked {{arguments}}

# Format, lints and documentation.
check:
    scripts/check

# Write the OpenAPI document, and all else that is made from the code, anew.
openapi:
    scripts/openapi

# Hold the service to its OpenAPI document: lint, fuzzing, generated clients.
contract *parts:
    scripts/contract {{parts}}

# Fuzz the service for an hour, with other values than CI.
contract-long seed=`date +%s`:
    FUZZ_SEED={{seed}} FUZZ_EXAMPLES=2000 FUZZ_SECONDS=3600 scripts/contract fuzz

# Run the service with a database of its own, in engagement-desk-data/.
dev *arguments:
    cargo run --locked -- serve {{arguments}}

# Everything that CI runs.
ci:
    .ci/run

# Measure the service beside what Postgres and actix-web give alone, in half an hour: writes docs/BENCHMARKS.md.
bench *arguments:
    scripts/bench {{arguments}}

# A part of it in two minutes: writes target/bench/report.md.
bench-short *arguments:
    scripts/bench --short {{arguments}}

# Measure single functions: rules, life cycle, cursors, JSON.
bench-code *arguments:
    cargo bench --locked --bench code {{arguments}}

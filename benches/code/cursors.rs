//! Cursors of lists.

use divan::{Bencher, black_box};
use engagement_desk::cursor::CursorKey;

const FILTERS: &str = "desk=pad&state=submitted";

#[divan::bench]
fn sealed(bencher: Bencher<'_, '_>) {
    let key = CursorKey::new(b"secret");
    bencher.bench_local(|| key.seal(black_box(&(1_800_000_000, 17)), FILTERS));
}

#[divan::bench]
fn opened(bencher: Bencher<'_, '_>) {
    let key = CursorKey::new(b"secret");
    let cursor = key.seal(&(1_800_000_000, 17), FILTERS);
    bencher.bench_local(|| key.open::<(i64, i64)>(black_box(&cursor), FILTERS));
}

//! The decision.

use divan::{Bencher, black_box};
use engagement_desk::domain::facts::Facts;

use super::given;

fn judge(bencher: Bencher<'_, '_>, facts: &Facts, eligible: bool) {
    let catalogue = given::catalogue();
    assert_eq!(given::decision(&catalogue, facts).eligible, eligible);
    bencher.bench_local(|| given::decision(&catalogue, black_box(facts)));
}

#[divan::bench]
fn eligible_at_one_desk(bencher: Bencher<'_, '_>) {
    judge(bencher, &given::facts("pad"), true);
}

#[divan::bench]
fn ineligible_at_one_desk(bencher: Bencher<'_, '_>) {
    judge(bencher, &given::facts("tpd"), false);
}

#[divan::bench]
fn all_desks_compared(bencher: Bencher<'_, '_>) {
    let facts = Facts {
        desk: None,
        ..given::facts("pad")
    };
    judge(bencher, &facts, true);
}

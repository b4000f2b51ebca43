//! The life cycle.

use divan::{Bencher, black_box};
use engagement_desk::domain::lifecycle::{self, State, Step};

use super::given;

#[divan::bench]
fn a_step_planned_and_taken(bencher: Bencher<'_, '_>) {
    let (request, member) = (given::request(), given::member());
    bencher.bench_local(|| {
        lifecycle::plan(black_box(&request), State::InReview, &member, given::now())
            .and_then(|plan| plan.take(Step::default(), None, None, given::now()))
    });
}

#[divan::bench]
fn allowed_steps(bencher: Bencher<'_, '_>) {
    let (request, member) = (given::request(), given::member());
    bencher.bench_local(|| lifecycle::allowed(black_box(&request), &member, given::now()));
}

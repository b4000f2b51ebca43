//! No service problem is stated.

use super::super::case::Case;
use super::super::report::Page;
use crate::domain::facts::given;

pub(super) fn check<'a>(case: &Case<'a>, page: &mut Page<'a, '_>) {
    match given(case.facts().problem_kind.as_ref()) {
        None => page.pass(format_args!("No service problem is stated.")),
        Some(id) => {
            let kind = case.catalogue().problem_kind(id);
            page.warn(
                "/problem_kind",
                format_args!(
                    "A service problem is stated ({}). Solving it is support, which {} does not give.",
                    kind.map_or(id, |kind| kind.name.as_str()),
                    case.desk.name
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;

    #[test]
    fn a_stated_problem_raises_a_warning_and_refuses_nothing() {
        for desk in ["pad", "gps", "tpd"] {
            let id = format!("{desk}.stated_problem");
            request_at(desk).passes(&id);
            let problem = Some("unavailable_service".to_owned());
            let given = request_at(desk).with(|facts| facts.problem_kind = problem);
            given.warns(&id, "/problem_kind");
            assert!(given.rule(&id).message.contains("A service is unavailable"));
        }
    }
}

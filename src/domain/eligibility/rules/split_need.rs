//! Earlier requests for the same need do not add up to more than the limit.

use super::super::case::Case;
use super::super::history::EarlierRequest;
use super::super::report::Page;
use super::Hours;

pub(super) fn check<'a>(limit: f64, within_days: u32, case: &Case<'a>, page: &mut Page<'a, '_>) {
    let hours = case.facts().estimated_hours.unwrap_or(0.0);
    let area = case.reading.solution_area_key();
    let same_need = |earlier: &&EarlierRequest| {
        // an area that was not given may be the same
        let other_area = earlier.solution_area_key.as_deref();
        let same_area = area.is_none() || other_area.is_none() || area == other_area;
        earlier.desk == case.desk.id
            && same_area
            && earlier.counted
            && earlier.age_days <= i64::from(within_days)
            && earlier.hours < limit
    };
    let earlier = || {
        case.reading
            .question
            .history
            .same_customer
            .iter()
            .filter(same_need)
    };
    let together = hours + earlier().map(|earlier| earlier.hours).sum::<f64>();
    let count = earlier().count();
    if hours < limit && together >= limit && count > 0 {
        let requests = if count == 1 { "request" } else { "requests" };
        // Neither their names nor their hours: whoever asks may not see them.
        page.warn(
            "/estimated_hours",
            format_args!(
                "Together with {count} earlier {requests} for this customer in the last {within_days} days \
                 this comes to {} or more: has one need been split to stay under that?",
                Hours(limit)
            ),
        );
    } else {
        page.pass(format_args!(
            "No earlier requests add up with this one to {}.",
            Hours(limit)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::{earlier, request_at};

    const ID: &str = "tpd.split_need";
    const SERVICE: &str = "deployment_consultation";

    #[test]
    fn a_need_that_was_split_raises_a_warning_that_counts_and_does_not_name() {
        let given = request_at("tpd").after(vec![
            earlier("TPD-2026-000001", "tpd", SERVICE, 8.0),
            earlier("TPD-2026-000002", "tpd", SERVICE, 4.5),
        ]);
        given.warns(ID, "/estimated_hours");
        let message = given.rule(ID).message;
        assert!(
            message.contains("2 earlier requests") && message.contains("25 hours"),
            "{message}"
        );
        assert!(!message.contains("TPD-2026"), "{message}");
    }

    #[test]
    fn a_little_less_in_all_raises_none() {
        request_at("tpd")
            .after(vec![earlier("A", "tpd", SERVICE, 12.25)])
            .passes(ID);
    }

    #[test]
    fn what_is_not_the_same_need_does_not_count() {
        let same = || earlier("A", "tpd", SERVICE, 20.0);
        let others = [
            super::EarlierRequest {
                desk: "pad".to_owned(),
                ..same()
            },
            super::EarlierRequest {
                solution_area_key: Some("security".to_owned()),
                ..same()
            },
            super::EarlierRequest {
                counted: false,
                ..same()
            },
            super::EarlierRequest {
                age_days: 91,
                ..same()
            },
            super::EarlierRequest {
                hours: 25.0,
                ..same()
            },
        ];
        for other in others {
            request_at("tpd").after(vec![other]).passes(ID);
        }
        request_at("tpd")
            .after(vec![super::EarlierRequest {
                age_days: 90,
                ..same()
            }])
            .warns(ID, "/estimated_hours");
    }

    #[test]
    fn leaving_the_solution_area_out_does_not_hide_a_split() {
        let given = request_at("tpd").with(|facts| facts.solution_area = None);
        given
            .after(vec![earlier("A", "tpd", SERVICE, 20.0)])
            .warns(ID, "/estimated_hours");
    }
}

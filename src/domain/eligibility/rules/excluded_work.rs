//! None of certain kinds of work is involved. Every one that is gets an outcome of its own.

use super::super::case::Case;
use super::super::report::Page;

pub(super) fn check<'a>(terms: &'a [String], case: &Case<'a>, page: &mut Page<'a, '_>) {
    let desk = &case.desk.name;
    let mut refused = false;
    for term in terms {
        let Some(index) = case.reading.involved(term) else {
            continue;
        };
        let name = case
            .work(term)
            .map_or(term.as_str(), |work| work.name.as_str());
        page.refuse(
            term,
            index,
            format_args!("{desk} does not do this: {name}."),
        );
        refused = true;
    }
    if !refused {
        page.pass(format_args!(
            "No work is involved that {desk} refuses here."
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;
    use crate::domain::decision::Outcome;

    #[test]
    fn every_refused_kind_of_work_has_its_own_outcome() {
        let given = request_at("pad").involving(&["scale_training", "code_review", "break_fix"]);
        let rules = given.decide().rules;
        let failed: Vec<_> = rules
            .iter()
            .filter(|rule| rule.outcome == Outcome::Fail)
            .map(|rule| (rule.rule.as_str(), rule.pointer.as_deref()))
            .collect();
        // in the order of the catalogue; the second kind is not refused by this desk
        let expected = [
            ("pad.excluded_work", Some("/involves/2")),
            ("pad.excluded_work", Some("/involves/0")),
        ];
        assert_eq!(failed, expected);
    }

    #[test]
    fn work_that_is_said_twice_is_refused_once() {
        request_at("gps")
            .involving(&["hotfix", "hotfix"])
            .fails("gps.general_exclusions", "/involves/0");
    }

    #[test]
    fn work_that_no_rule_names_passes() {
        request_at("gps")
            .involving(&["code_review", "no_such_work"])
            .passes("gps.excluded_work");
    }

    #[test]
    fn each_desk_refuses_what_the_source_says_it_refuses() {
        let all = [
            "break_fix",
            "troubleshooting",
            "hotfix",
            "delivery_or_operations_support",
            "staff_augmentation",
            "security_vulnerability",
            "programme_enablement",
        ];
        let pad = [
            "practice_or_solution_build",
            "architecture_attestation",
            "implementation",
            "sustained_engagement",
            "dedicated_csa",
            "scale_training",
        ];
        let tpd = [
            "sales_pipeline_planning",
            "end_customer_discussion",
            "training_delivery",
            "licensing_or_pricing",
            "on_site",
            "sustained_engagement",
            "direct_customer_support",
            "hands_on_production",
            "code_review",
            "performance_tuning",
            "application_development_beyond_poc",
        ];
        for (desk, own) in [("pad", &pad[..]), ("gps", &[]), ("tpd", &tpd)] {
            let catalogue = request_at(desk).catalogue;
            for work in catalogue.all_work() {
                let refused = !request_at(desk).involving(&[&work.id]).decide().eligible;
                let expected = all.contains(&work.id.as_str()) || own.contains(&work.id.as_str());
                assert_eq!(refused, expected, "{} at {desk}", work.id);
            }
        }
    }
}

//! The kinds of rule, one file each, and the registry that says which file a kind is in.

mod customer;
mod deal_limit;
mod delivery;
mod excluded_work;
mod hours;
mod motion;
mod partner_fact;
mod partner_id;
mod relationship;
mod service;
mod similar_open;
mod split_need;
mod stated_problem;
mod wording;

use std::fmt;

use crate::catalog::{Check, Rule};

use super::case::Case;
use super::report::Page;

/// Runs one rule.
pub(super) fn run<'a>(rule: &'a Rule, case: &Case<'a>, page: &mut Page<'a, '_>) {
    if !applies(rule, case, page) {
        return;
    }
    match &rule.check {
        Check::Service {} => service::check(case, page),
        Check::Motion { allowed } => motion::check(allowed, case, page),
        Check::Relationship { allowed } => relationship::check(allowed, case, page),
        Check::Customer { accepts } => customer::check(accepts, case, page),
        Check::ExcludedWork { terms } => excluded_work::check(terms, case, page),
        Check::Hours { comparison, hours } => hours::check(*comparison, *hours, case, page),
        Check::PartnerFact { fact } => partner_fact::check(*fact, case, page),
        Check::PartnerId {
            fewest_digits,
            most_digits,
        } => {
            partner_id::check(*fewest_digits, *most_digits, case, page);
        }
        Check::Delivery { allowed } => delivery::check(allowed, case, page),
        Check::DealLimit { most } => deal_limit::check(rule, *most, case, page),
        Check::SplitNeed { hours, within_days } => {
            split_need::check(*hours, *within_days, case, page);
        }
        Check::SimilarOpen {} => similar_open::check(case, page),
        Check::Wording { categories } => wording::check(categories, case, page),
        Check::StatedProblem {} => stated_problem::check(case, page),
    }
}

/// Whether the rule is about the service wanted; says so where it is not. Without a service a rule that
/// could stand in the way asks for it, and one that only warns has nothing to say yet.
fn applies<'a>(rule: &'a Rule, case: &Case<'a>, page: &mut Page<'a, '_>) -> bool {
    if rule.services.is_empty() {
        return true;
    }
    match (case.service, case.service_name()) {
        (Some(id), Some(name)) => {
            let applies = rule.services.iter().any(|service| service == id);
            if !applies {
                page.pass(format_args!("This does not apply to {name}."));
            }
            applies
        }
        _ if rule.check.only_warns() => {
            page.pass(format_args!(
                "This applies to some services only, and none is named yet."
            ));
            false
        }
        _ => {
            page.unknown(
                "/service",
                format_args!("Whether this applies depends on the service: name it."),
            );
            false
        }
    }
}

/// Writes a list as in "a, b or c".
struct Either<'a, T>(&'a [T], &'a dyn Fn(&T) -> &'a str);

impl<T> fmt::Display for Either<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(items, name) = self;
        for (index, item) in items.iter().enumerate() {
            let joint = match index {
                0 => "",
                _ if index + 1 == items.len() => " or ",
                _ => ", ",
            };
            write!(formatter, "{joint}{}", name(item))?;
        }
        Ok(())
    }
}

/// Writes a number of hours with its unit.
struct Hours(f64);

impl fmt::Display for Hours {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.0 == 1.0 { "hour" } else { "hours" };
        write!(formatter, "{} {unit}", self.0)
    }
}

/// Writes words in quotation marks.
struct Quoted<I>(I);

impl<'a, I: Iterator<Item = &'a str> + Clone> fmt::Display for Quoted<I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, words) in self.0.clone().enumerate() {
            write!(
                formatter,
                "{}\"{words}\"",
                if index > 0 { ", " } else { "" }
            )?;
        }
        Ok(())
    }
}

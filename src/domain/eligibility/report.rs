//! Where rules write down how they came out.
//!
//! A rule does not know what becomes of its words. Of the desk that is asked every outcome is kept with
//! its message; of a desk that might take over, only what stands in the way is counted, and no message
//! is ever made.

use std::borrow::Cow;
use std::fmt;

use crate::catalog::Rule;
use crate::domain::decision::{Outcome, RuleOutcome};

use super::case::Case;
use super::rules;

/// One outcome, before anybody has asked for its message.
pub(super) struct Finding<'a, 'm> {
    rule: &'a Rule,
    outcome: Outcome,
    pointer: Option<Cow<'static, str>>,
    /// Id of the kind of work, where the outcome is about one.
    work: Option<&'a str>,
    message: fmt::Arguments<'m>,
}

/// Takes down findings.
trait Report<'a> {
    fn take(&mut self, finding: Finding<'a, '_>);
}

/// The page on which one rule writes.
pub(super) struct Page<'a, 'r> {
    rule: &'a Rule,
    report: &'r mut dyn Report<'a>,
}

impl<'a> Page<'a, '_> {
    pub(super) fn pass(&mut self, message: fmt::Arguments<'_>) {
        self.take(Outcome::Pass, None, None, message);
    }

    pub(super) fn fail(&mut self, pointer: &'static str, message: fmt::Arguments<'_>) {
        self.take(Outcome::Fail, Some(Cow::Borrowed(pointer)), None, message);
    }

    /// Fails because of one kind of work, the `index`th that the request declares.
    pub(super) fn refuse(&mut self, work: &'a str, index: usize, message: fmt::Arguments<'_>) {
        let pointer = Cow::Owned(format!("/involves/{index}"));
        self.take(Outcome::Fail, Some(pointer), Some(work), message);
    }

    pub(super) fn warn(&mut self, pointer: &'static str, message: fmt::Arguments<'_>) {
        self.take(Outcome::Warn, Some(Cow::Borrowed(pointer)), None, message);
    }

    pub(super) fn unknown(&mut self, pointer: &'static str, message: fmt::Arguments<'_>) {
        self.take(
            Outcome::Unknown,
            Some(Cow::Borrowed(pointer)),
            None,
            message,
        );
    }

    fn take(
        &mut self,
        outcome: Outcome,
        pointer: Option<Cow<'static, str>>,
        work: Option<&'a str>,
        message: fmt::Arguments<'_>,
    ) {
        self.report.take(Finding {
            rule: self.rule,
            outcome,
            pointer,
            work,
            message,
        });
    }
}

/// A rule that failed and was not waived.
#[derive(Clone, Copy)]
pub(super) struct Refusal<'a> {
    pub rule: &'a Rule,
    /// Id of the kind of work, where the rule is about one.
    pub work: Option<&'a str>,
}

/// Every outcome of a desk's rules, and what was refused by them.
pub(super) struct Judged<'a> {
    pub outcomes: Vec<RuleOutcome>,
    pub refusals: Vec<Refusal<'a>>,
    waived: &'a [String],
}

impl<'a> Report<'a> for Judged<'a> {
    fn take(&mut self, finding: Finding<'a, '_>) {
        let Finding {
            rule,
            outcome,
            pointer,
            work,
            message,
        } = finding;
        let failed = outcome == Outcome::Fail;
        let waived = failed && is_waived(rule, self.waived);
        if failed && !waived {
            self.refusals.push(Refusal { rule, work });
        }
        self.outcomes.push(RuleOutcome {
            rule: rule.id.clone(),
            outcome,
            message: message.to_string(),
            pointer: pointer.map(Cow::into_owned),
            citation: rule.citation.clone(),
            waivable: rule.waivable,
            waived,
        });
    }
}

/// What stands in the way at a desk that was not asked.
pub(super) struct Survey<'a> {
    fails: bool,
    /// Pointers of the facts that are missing.
    pub missing: Vec<Cow<'static, str>>,
    waived: &'a [String],
}

impl Survey<'_> {
    /// No rule fails, though facts may be missing.
    pub(super) fn would_take(&self) -> bool {
        !self.fails
    }

    /// Nothing stands in the way.
    pub(super) fn takes(&self) -> bool {
        !self.fails && self.missing.is_empty()
    }
}

impl<'a> Report<'a> for Survey<'a> {
    fn take(&mut self, finding: Finding<'a, '_>) {
        match finding.outcome {
            Outcome::Pass | Outcome::Warn => {}
            Outcome::Fail => self.fails |= !is_waived(finding.rule, self.waived),
            Outcome::Unknown => {
                let new = |pointer: &Cow<'static, str>| !self.missing.contains(pointer);
                let pointer = finding.pointer.filter(new);
                self.missing.extend(pointer);
            }
        }
    }
}

fn is_waived(rule: &Rule, waived: &[String]) -> bool {
    rule.waivable && waived.contains(&rule.id)
}

/// Runs every rule of the desk and keeps all they say.
pub(super) fn full<'a>(case: &Case<'a>) -> Judged<'a> {
    let mut judged = Judged {
        outcomes: Vec::with_capacity(case.desk.rules.len() + 2),
        refusals: Vec::new(),
        waived: case.reading.question.waived,
    };
    for rule in &case.desk.rules {
        rules::run(
            rule,
            case,
            &mut Page {
                rule,
                report: &mut judged,
            },
        );
    }
    judged
}

/// Runs those rules of the desk that can stand in the way, up to the first that does so for good.
pub(super) fn survey<'a>(case: &Case<'a>) -> Survey<'a> {
    let waived = case.reading.question.waived;
    let mut survey = Survey {
        fails: false,
        missing: Vec::new(),
        waived,
    };
    for rule in case
        .desk
        .rules
        .iter()
        .filter(|rule| !rule.check.only_warns())
    {
        rules::run(
            rule,
            case,
            &mut Page {
                rule,
                report: &mut survey,
            },
        );
        if survey.fails {
            break;
        }
    }
    survey
}

//! The arrows of the life cycle: one row each, and nothing moves without a row.

use super::states::State::{
    self, Accepted, ActionRequired, Cancelled, Completed, Draft, ExceptionReview, Expired,
    InProgress, InReview, Ineligible, OnHold, Redirected, Rejected, Scheduled, Submitted,
};
use crate::domain::facts::vocabulary;

vocabulary! {
    /// Who may take an arrow.
    Party {
        /// The requester, or the integration that submitted for one.
        Owner = "owner",
        /// A member or lead of the request's desk.
        DeskMember = "desk_member",
        /// A lead of the request's desk.
        DeskLead = "desk_lead",
        /// The service itself, when a time limit passes.
        System = "system",
    }
}

vocabulary! {
    /// A member the body of a transition must have.
    Need {
        /// Why, in words.
        Reason = "reason",
        /// JSON pointers of the facts the requester is to give.
        Fields = "fields",
        /// Who delivers.
        Assignee = "assignee",
        /// First day of delivery.
        StartsOn = "starts_on",
        /// Last day of delivery.
        EndsOn = "ends_on",
        /// Day on which work resumes.
        ResumeOn = "resume_on",
        /// What was delivered.
        Outcome = "outcome",
        /// Desk or channel it goes to.
        Destination = "destination",
        /// The rules the exception waives.
        WaivedRules = "waived_rules",
    }
}

vocabulary! {
    /// A condition beyond state and party.
    Guard {
        /// The rules decide; the eligible end of the pair is reached only if nothing blocks.
        RulesPass = "rules_pass",
        /// Reached only as the answer of the rules, never asked for.
        RulesRefuse = "rules_refuse",
        /// Every rule that failed is waivable.
        AllWaivable = "all_waivable",
        /// The decision names a place where it belongs instead.
        HasDestination = "has_destination",
        /// Whoever decides is not the one who asked.
        NotTheOwner = "not_the_owner",
        /// Once, and within 14 days.
        OnceWithin14Days = "once_within_14_days",
    }
}

/// One arrow.
#[derive(Debug)]
pub struct Arrow {
    /// Where it starts.
    pub from: State,
    /// Where it ends.
    pub to: State,
    /// Who may take it.
    pub by: &'static [Party],
    /// What the body must say.
    pub needs: &'static [Need],
    /// What must hold besides.
    pub guard: Option<Guard>,
}

const OWNER: &[Party] = &[Party::Owner];
const MEMBER: &[Party] = &[Party::DeskMember];
const LEAD: &[Party] = &[Party::DeskLead];
const OWNER_OR_LEAD: &[Party] = &[Party::Owner, Party::DeskLead];
const SYSTEM: &[Party] = &[Party::System];

const fn arrow(
    from: State,
    to: State,
    by: &'static [Party],
    needs: &'static [Need],
    guard: Option<Guard>,
) -> Arrow {
    Arrow {
        from,
        to,
        by,
        needs,
        guard,
    }
}

const REASON: &[Need] = &[Need::Reason];
const HAND_OVER: &[Need] = &[Need::Destination, Need::Reason];
const SCHEDULE: &[Need] = &[Need::Assignee, Need::StartsOn, Need::EndsOn];
const HOLD: &[Need] = &[Need::Reason, Need::ResumeOn];

/// The whole life cycle.
pub const ARROWS: &[Arrow] = &[
    arrow(Draft, Submitted, OWNER, &[], Some(Guard::RulesPass)),
    arrow(Draft, Ineligible, OWNER, &[], Some(Guard::RulesRefuse)),
    arrow(Draft, Cancelled, OWNER_OR_LEAD, REASON, None),
    arrow(Draft, Expired, SYSTEM, &[], None),
    arrow(Submitted, InReview, MEMBER, &[], None),
    arrow(Submitted, Draft, OWNER, REASON, None),
    arrow(Submitted, Redirected, MEMBER, HAND_OVER, None),
    arrow(Submitted, Cancelled, OWNER_OR_LEAD, REASON, None),
    arrow(Ineligible, Draft, OWNER, &[], None),
    arrow(
        Ineligible,
        ExceptionReview,
        OWNER,
        REASON,
        Some(Guard::AllWaivable),
    ),
    arrow(
        Ineligible,
        Redirected,
        OWNER,
        &[Need::Destination],
        Some(Guard::HasDestination),
    ),
    arrow(
        ExceptionReview,
        Submitted,
        LEAD,
        &[Need::Reason, Need::WaivedRules],
        Some(Guard::NotTheOwner),
    ),
    arrow(
        ExceptionReview,
        Rejected,
        LEAD,
        REASON,
        Some(Guard::NotTheOwner),
    ),
    arrow(ExceptionReview, Cancelled, OWNER_OR_LEAD, REASON, None),
    arrow(InReview, Accepted, MEMBER, &[], None),
    arrow(InReview, Rejected, MEMBER, REASON, None),
    arrow(InReview, ActionRequired, MEMBER, &[Need::Fields], None),
    arrow(InReview, Draft, OWNER, REASON, None),
    arrow(InReview, Redirected, MEMBER, HAND_OVER, None),
    arrow(InReview, Cancelled, OWNER_OR_LEAD, REASON, None),
    arrow(ActionRequired, InReview, OWNER, &[], Some(Guard::RulesPass)),
    arrow(ActionRequired, Draft, OWNER, REASON, None),
    arrow(ActionRequired, Cancelled, OWNER_OR_LEAD, REASON, None),
    arrow(ActionRequired, Expired, SYSTEM, &[], None),
    arrow(Accepted, Scheduled, MEMBER, SCHEDULE, None),
    arrow(Accepted, InProgress, MEMBER, &[], None),
    arrow(Accepted, Redirected, MEMBER, HAND_OVER, None),
    arrow(Accepted, Cancelled, OWNER_OR_LEAD, REASON, None),
    arrow(Accepted, Expired, SYSTEM, &[], None),
    arrow(Scheduled, InProgress, MEMBER, &[], None),
    arrow(Scheduled, Accepted, MEMBER, &[], None),
    arrow(Scheduled, OnHold, MEMBER, HOLD, None),
    arrow(Scheduled, Cancelled, OWNER_OR_LEAD, REASON, None),
    arrow(InProgress, Completed, MEMBER, &[Need::Outcome], None),
    arrow(InProgress, OnHold, MEMBER, HOLD, None),
    arrow(InProgress, Cancelled, OWNER_OR_LEAD, REASON, None),
    arrow(OnHold, Scheduled, MEMBER, SCHEDULE, None),
    arrow(OnHold, InProgress, MEMBER, &[], None),
    arrow(OnHold, Cancelled, OWNER_OR_LEAD, REASON, None),
    arrow(
        Completed,
        InProgress,
        LEAD,
        REASON,
        Some(Guard::OnceWithin14Days),
    ),
];

/// The arrow between two states.
pub fn between(from: State, to: State) -> Option<&'static Arrow> {
    ARROWS
        .iter()
        .find(|arrow| arrow.from == from && arrow.to == to)
}

/// The arrows that leave a state and can be asked for.
pub fn leaving(from: State) -> impl Iterator<Item = &'static Arrow> {
    ARROWS
        .iter()
        .filter(move |arrow| arrow.from == from && arrow.guard != Some(Guard::RulesRefuse))
}

fn words<T: std::fmt::Display>(values: &[T]) -> String {
    values
        .iter()
        .map(|value| format!("`{value}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// States, arrows and parties as Markdown, for the documentation.
pub fn document() -> String {
    let mut text = String::from(
        "# The life of a request\n\nWritten from `src/domain/lifecycle/`; a test compares it.\n\n\
         ## States\n\n| state | category |\n|---|---|\n",
    );
    for state in State::ALL {
        text.push_str(&format!("| `{state}` | {} |\n", state.category()));
    }
    text.push_str(
        "\n## Arrows\n\nA desk lead may take a desk member's arrows too. Assignee and dates from before\n\
         a pause need not be said again.\n\n\
         | from | to | who | the body must say | and besides |\n|---|---|---|---|---|\n",
    );
    for Arrow {
        from,
        to,
        by,
        needs,
        guard,
    } in ARROWS
    {
        let besides = match guard {
            None => "",
            Some(Guard::RulesPass) => "no rule fails and no fact is missing",
            Some(Guard::RulesRefuse) => {
                "never asked for: the answer when a rule refuses a submission"
            }
            Some(Guard::AllWaivable) => "every rule that failed is waivable",
            Some(Guard::HasDestination) => "the decision names a destination",
            Some(Guard::NotTheOwner) => "never the owner",
            Some(Guard::OnceWithin14Days) => "once, within 14 days",
        };
        text.push_str(&format!(
            "| `{from}` | `{to}` | {} | {} | {besides} |\n",
            words(by),
            words(needs)
        ));
    }
    text
}

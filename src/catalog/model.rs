//! What a catalogue says, as plain data.
//!
//! These types are the schema of the file: every key of it is a field here. They hold no line numbers
//! and no behaviour, so that a rule, the document and the API view can read them without knowing TOML.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::decision::Basis;
use crate::domain::facts::{
    Contract, CustomerKind, Delivery, Motion, Relationship, SupportPlan, vocabulary,
};

/// A team that takes requests and works them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// Id by which requests name it, such as `tpd`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Letters its references begin with, as in `TPD-2026-000123`.
    pub prefix: String,
    /// What it does, in a sentence or two.
    pub summary: String,
    /// Link or mailbox; absent where the source gives none.
    pub address: Option<String>,
    /// Section of the source page that describes it.
    pub citation: String,
    /// Ids of the services it offers.
    pub services: Vec<String>,
    /// Hours that may be logged on one request in all; absent where there is no such cap.
    pub logged_hours_at_most: Option<f64>,
    /// How soon the desk means to react.
    pub sla: Sla,
    /// Its rules, in the order in which a decision lists them.
    #[serde(skip)]
    pub rules: Vec<Rule>,
}

vocabulary! {
    /// Where a target comes from.
    TargetBasis {
        /// The source page gives no number: this one is ours, and meant to be changed.
        Default = "default",
        /// The source page gives it.
        Stated = "stated",
    }
}

/// How soon a desk means to react, in business hours.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sla {
    /// Business hours from submission until the desk looks at the request.
    pub first_response_business_hours: u32,
    /// Business hours from submission until the desk accepts, rejects or redirects it.
    pub decision_business_hours: u32,
    /// Where the numbers come from.
    pub basis: TargetBasis,
}

/// Days after which a request that nobody moves expires.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Expiry {
    /// Days in state `draft`.
    pub draft: u32,
    /// Days in state `action_required`.
    pub action_required: u32,
    /// Days in state `accepted`.
    pub accepted: u32,
    /// Where the numbers come from.
    pub basis: TargetBasis,
}

/// One kind of help, offered by one desk or by several.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Id by which requests name it.
    #[schema(example = "architecture_design_session")]
    pub id: String,
    /// Its name.
    #[schema(example = "Architecture Design Session")]
    pub name: String,
    /// What a partner gets, in one sentence.
    pub summary: String,
}

/// A word with its meaning: a problem kind or a solution area.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Id by which requests name it.
    #[schema(example = "unavailable_service")]
    pub id: String,
    /// What it is called on a form.
    #[schema(example = "A service is unavailable")]
    pub name: String,
}

/// A kind of work a request can declare in `involves`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Id by which requests name it.
    #[schema(example = "break_fix")]
    pub id: String,
    /// What it is called on a form and in a message.
    #[schema(example = "break-fix support")]
    pub name: String,
    /// Where it belongs when a desk refuses it and no handover takes it.
    pub route: Route,
    /// Why it belongs there.
    pub reason: String,
    /// Whether the source page says so.
    pub basis: Basis,
    /// Section of the source page.
    pub citation: String,
    /// The description of a request that declares this work is not kept.
    #[serde(default)]
    pub withhold_description: bool,
}

/// Where a kind of work belongs when a desk refuses it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// To the first row of the support routing that matches.
    Support,
    /// To the channel of this id.
    Channel(String),
    /// Nowhere: the source page names no place for it, and none is made up.
    Nowhere,
}

/// A place outside the service that takes what no desk takes.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Id of the channel.
    #[schema(example = "advanced_support")]
    pub id: String,
    /// Its name.
    #[schema(example = "Advanced Support for Partners")]
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Link or mailbox; absent where the source gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://aka.ms/ASfP")]
    pub address: Option<String>,
    /// Section of the source page.
    pub citation: String,
}

/// What has to hold for a row to apply. Every condition that is present must hold; a fact that is
/// missing from the request holds no condition. Without any condition the row always applies.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Condition {
    /// The asking person is one of these to the partner.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relationship: Vec<Relationship>,
    /// The request involves at least one of these kinds of work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub involves: Vec<String>,
    /// The motion is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub motion: Vec<Motion>,
    /// The customer is of one of these kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub customer_kind: Vec<CustomerKind>,
    /// The customer's own agreement is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contract: Vec<Contract>,
    /// The partner's support plan is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub support_plan: Vec<SupportPlan>,
    /// The stated problem is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problem_kind: Vec<String>,
    /// The partner sells under CSP, or does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csp: Option<bool>,
    /// The partner is a member of the partner network, or is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<bool>,
}

/// One row of the support routing. The first row that applies says where support is asked for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupportRow {
    /// Id of the channel it leads to.
    #[schema(example = "premier_support")]
    pub channel: String,
    /// When it applies.
    #[serde(default)]
    pub when: Condition,
    /// Why there.
    pub reason: String,
    /// What else is to be minded there, each under its own condition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Channels that are named in addition, each under its own condition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Also>,
    /// Whether the source page says so.
    pub basis: Basis,
    /// Section of the source page.
    pub citation: String,
}

/// A sentence that is added to a reason when a condition holds.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// When it is said.
    #[serde(default)]
    pub when: Condition,
    /// The sentence.
    pub text: String,
}

/// A channel that is named beside that of its row when a condition holds.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// Id of the channel.
    #[schema(example = "csp_report_on_behalf")]
    pub channel: String,
    /// When it is named.
    #[serde(default)]
    pub when: Condition,
    /// Why there.
    pub reason: String,
    /// Whether the source page says so.
    pub basis: Basis,
    /// Section of the source page.
    pub citation: String,
}

/// A desk that takes over what another refuses, provided that no rule of it fails.
///
/// A handover follows either from a refused motion or from a refused kind of work.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// Ids of the desks it leads away from; empty for every desk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// Id of the desk that takes over.
    #[schema(example = "gps")]
    pub to: String,
    /// It follows when a request of this motion is refused for its motion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motion: Option<Motion>,
    /// It follows when one of these kinds of work is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub work: Vec<String>,
    /// What else has to hold.
    #[serde(default)]
    pub when: Condition,
    /// The motion under which the receiving desk judges the request; absent for that of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_as: Option<Motion>,
    /// A service the receiving desk does not offer is left open there instead of held against it.
    #[serde(default)]
    pub any_service: bool,
    /// Why there.
    pub reason: String,
    /// Whether the source page says so.
    pub basis: Basis,
    /// Section of the source page.
    pub citation: String,
}

/// Wording that hints at one kind of support work.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// Id of the category.
    #[schema(example = "outage")]
    pub id: String,
    /// What the wording sounds like, to complete "this sounds like …".
    #[schema(example = "an outage")]
    pub name: String,
    /// Phrases that raise a warning. A word that ends in `*` stands for every word that begins so.
    pub phrases: Vec<String>,
    /// Phrases that look alike and mean something else. Of two phrases that begin at the same word the
    /// longer one counts, and words that one phrase has taken are not read again.
    #[serde(default)]
    pub unless: Vec<String>,
}

/// One rule of one desk.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Id of the rule, which begins with the id of its desk: `tpd.hours`.
    pub id: String,
    /// Section of the source page it comes from.
    pub citation: String,
    /// Whether the source page says so.
    pub basis: Basis,
    /// Whether a lead of the desk may waive it.
    pub waivable: bool,
    /// Services it is about; empty for all.
    pub services: Vec<String>,
    /// What it checks.
    pub check: Check,
}

vocabulary! {
    /// How a number of hours is held against a limit.
    Comparison {
        /// The limit itself is too much.
        LessThan = "less_than",
        /// The limit itself is still fine.
        AtMost = "at_most",
    }
}

vocabulary! {
    /// A yes-or-no fact about the partner.
    PartnerFact {
        /// The partner is a member of the Microsoft Partner Network.
        Member = "member",
        /// The asking person can work in Partner Center for the partner.
        PartnerCenterAccess = "partner_center_access",
    }
}

/// What a rule checks: a closed set, each kind one file of `domain::eligibility::rules`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// The desk offers the service.
    Service {},
    /// The motion is one of those allowed.
    Motion {
        /// Motions the desk works in.
        allowed: Vec<Motion>,
    },
    /// The asking person is one of those who may ask.
    Relationship {
        /// What the asking person may be to the partner.
        allowed: Vec<Relationship>,
    },
    /// There is a customer context: a named customer who agreed to be named, or a described segment.
    Customer {
        /// Kinds of customer the desk works for.
        accepts: Vec<CustomerKind>,
    },
    /// None of these kinds of work is involved.
    ExcludedWork {
        /// Ids of the kinds of work.
        terms: Vec<String>,
    },
    /// The estimated effort stays within a limit.
    Hours {
        /// Whether the limit itself is allowed.
        comparison: Comparison,
        /// The limit in hours.
        hours: f64,
    },
    /// Something is true of the partner.
    PartnerFact {
        /// What has to be true.
        fact: PartnerFact,
    },
    /// The partner's network id is there and is made of digits.
    PartnerId {
        /// Fewest digits.
        fewest_digits: u32,
        /// Most digits.
        most_digits: u32,
    },
    /// The help is given in one of these ways.
    Delivery {
        /// Ways of delivery the desk offers.
        allowed: Vec<Delivery>,
    },
    /// The partner has had fewer deals of these services in the solution area than the desk helps with.
    DealLimit {
        /// Deals the desk helps with, per partner and solution area.
        most: u32,
    },
    /// Earlier requests for the same need do not add up to more than the limit. Warns only.
    SplitNeed {
        /// Hours that one need may take in all before somebody should look.
        hours: f64,
        /// How many days back requests are added up.
        within_days: u32,
    },
    /// No request for the same customer and service is open. Warns only.
    SimilarOpen {},
    /// Title and description do not sound like support work. Warns only.
    Wording {
        /// Ids of the wording categories.
        categories: Vec<String>,
    },
    /// No service problem is stated. Warns only.
    StatedProblem {},
}

impl Check {
    /// The word that stands for the kind in the file.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Service {} => "service",
            Self::Motion { .. } => "motion",
            Self::Relationship { .. } => "relationship",
            Self::Customer { .. } => "customer",
            Self::ExcludedWork { .. } => "excluded_work",
            Self::Hours { .. } => "hours",
            Self::PartnerFact { .. } => "partner_fact",
            Self::PartnerId { .. } => "partner_id",
            Self::Delivery { .. } => "delivery",
            Self::DealLimit { .. } => "deal_limit",
            Self::SplitNeed { .. } => "split_need",
            Self::SimilarOpen {} => "similar_open",
            Self::Wording { .. } => "wording",
            Self::StatedProblem {} => "stated_problem",
        }
    }

    /// Whether the kind never stands in the way of a request.
    pub const fn only_warns(&self) -> bool {
        matches!(
            self,
            Self::SplitNeed { .. }
                | Self::SimilarOpen {}
                | Self::Wording { .. }
                | Self::StatedProblem {}
        )
    }

    /// Whether a failure of this kind is a matter of judgement, so that a lead may be allowed to waive
    /// it. Who asks, for which customer and on what membership is not.
    pub const fn may_be_waivable(&self) -> bool {
        matches!(
            self,
            Self::Motion { .. }
                | Self::ExcludedWork { .. }
                | Self::Hours { .. }
                | Self::Delivery { .. }
                | Self::DealLimit { .. }
        )
    }
}

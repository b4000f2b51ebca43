//! What comes out of judging a request: every rule with its outcome, and where to go instead.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::facts::vocabulary;

vocabulary! {
    /// How one rule came out.
    Outcome {
        /// The rule is met.
        Pass = "pass",
        /// The rule is broken: the desk does not take the request.
        Fail = "fail",
        /// Nothing is refused, but a person should look.
        Warn = "warn",
        /// A fact the rule needs is missing.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Whether the source page says so, or it follows from what the page says.
    Basis {
        /// The source page says it.
        Stated = "stated",
        /// It is inferred from the source page.
        Inferred = "inferred",
    }
}

vocabulary! {
    /// What a destination is.
    DestinationKind {
        /// Another desk of the catalogue: the request can be redirected there.
        Desk = "desk",
        /// A channel outside the service: the requester goes there.
        Channel = "channel",
    }
}

/// One rule of one desk, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleOutcome {
    /// Id of the rule in the catalogue, such as `tpd.hours`.
    #[schema(example = "tpd.hours")]
    pub rule: String,
    /// How it came out.
    pub outcome: Outcome,
    /// The reason in words a partner manager understands.
    #[schema(
        example = "Technical Presales and Deployment takes less than 25 hours; 25 are estimated."
    )]
    pub message: String,
    /// JSON pointer of the member that can mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/estimated_hours")]
    pub pointer: Option<String>,
    /// Section of the source page the rule comes from.
    #[schema(example = "References / Technical Presales and Deployment Services")]
    pub citation: String,
    /// Whether a lead of the desk may waive it.
    pub waivable: bool,
    /// A lead of the desk has waived it for this request: a failure no longer counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waived: bool,
}

impl RuleOutcome {
    /// Whether the rule stands in the way of a submission.
    pub fn blocks(&self) -> bool {
        match self.outcome {
            Outcome::Pass | Outcome::Warn => false,
            Outcome::Unknown => true,
            Outcome::Fail => !self.waived,
        }
    }
}

/// Where a refused request belongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Destination {
    /// Desk or channel.
    pub kind: DestinationKind,
    /// Id of the desk or channel in the catalogue.
    #[schema(example = "advanced_support")]
    pub id: String,
    /// Its name.
    #[schema(example = "Advanced Support for Partners")]
    pub name: String,
    /// Link or mailbox; absent where the source gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://aka.ms/ASfP")]
    pub address: Option<String>,
    /// Why there, and what to mind.
    pub reason: String,
    /// Whether the source page says so.
    pub basis: Basis,
    /// Section of the source page.
    pub citation: String,
}

/// Work that no desk and no channel of the source page takes. No destination is made up for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Unplaced {
    /// Id of the rule that failed.
    #[schema(example = "pad.excluded_work")]
    pub rule: String,
    /// Id of the kind of work, where the rule is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "staff_augmentation")]
    pub work: Option<String>,
    /// Says that there is no place for it.
    pub message: String,
}

/// The judgement of one desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeskDecision {
    /// Id of the desk.
    #[schema(example = "tpd")]
    pub desk: String,
    /// No rule failed and none is unknown.
    pub eligible: bool,
    /// Every rule of the desk, in the catalogue's order.
    pub rules: Vec<RuleOutcome>,
    /// Where the refused parts belong, most fitting first. Empty when eligible.
    pub destinations: Vec<Destination>,
    /// Refused parts that belong nowhere.
    pub unplaced: Vec<Unplaced>,
}

/// The judgement of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Version of the catalogue it was made under.
    #[schema(example = "sha256:9f2c4e1ab7d05c33")]
    pub catalog_version: String,
    /// The desk named, or the one recommended where none was named, takes the request.
    pub eligible: bool,
    /// The desk named in the request, or else the recommended one; absent where no desk fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "tpd")]
    pub desk: Option<String>,
    /// The desk that takes the request as it stands, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "pad")]
    pub recommended_desk: Option<String>,
    /// The rules of `desk`; empty where there is none.
    pub rules: Vec<RuleOutcome>,
    /// Where the request belongs instead. Empty when eligible, and where nothing in the source takes it.
    pub destinations: Vec<Destination>,
    /// Refused parts that belong nowhere.
    pub unplaced: Vec<Unplaced>,
    /// Every desk's own judgement, where no desk was named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<DeskDecision>,
    /// The description was left out of what is kept, because it may describe a vulnerability.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub description_withheld: bool,
}

impl Decision {
    /// The rules that stand in the way of a submission.
    pub fn blocking(&self) -> impl Iterator<Item = &RuleOutcome> {
        self.rules.iter().filter(|rule| rule.blocks())
    }

    /// Whether a rule refuses; where none does and it is not eligible, facts are missing.
    pub fn refuses(&self) -> bool {
        self.blocking().any(|rule| rule.outcome == Outcome::Fail)
    }

    /// Whether an exception may be asked for: something failed, and all that blocks is waivable.
    /// A missing fact is never waived: it can be given.
    pub fn may_be_appealed(&self) -> bool {
        self.blocking().next().is_some()
            && self
                .blocking()
                .all(|rule| rule.outcome == Outcome::Fail && rule.waivable)
    }
}

//! The facts of one engagement request: what the rules read.
//!
//! Every fact is optional. What is absent is *unknown*, never false.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Declares a closed vocabulary once: the enum, its words on the wire, and the list of them all.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every word of the vocabulary, in the order it is documented.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands for this value in JSON, in SQL and in the catalogue.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::facts::UnknownWord;

            fn from_str(word: &str) -> Result<Self, $crate::domain::facts::UnknownWord> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word).ok_or($crate::domain::facts::UnknownWord)
            }
        }
    };
}
pub(crate) use vocabulary;

/// A word that is not in the closed vocabulary it was looked up in.
#[derive(Debug, thiserror::Error)]
#[error("the word is not in the vocabulary")]
pub struct UnknownWord;

vocabulary! {
    /// How Microsoft and the partner work together on the engagement.
    Motion {
        /// Selling with the partner to a customer.
        SellWith = "sell_with",
        /// Building a practice or a solution with the partner.
        BuildWith = "build_with",
    }
}

vocabulary! {
    /// Where the help is given.
    Delivery {
        /// By call or online meeting.
        Remote = "remote",
        /// At the partner's or the customer's place.
        OnSite = "on_site",
    }
}

vocabulary! {
    /// How much the requester presses.
    Priority {
        /// Can wait.
        Low = "low",
        /// The usual.
        Normal = "normal",
        /// Ahead of the usual.
        High = "high",
        /// Ahead of everything.
        Urgent = "urgent",
    }
}

vocabulary! {
    /// What the asking person is to the partner.
    Relationship {
        /// Partner Development Manager.
        Pdm = "pdm",
        /// Partner Technology Strategist.
        Pts = "pts",
        /// Somebody at the partner.
        PartnerContact = "partner_contact",
        /// Somebody at the partner's customer.
        EndCustomer = "end_customer",
    }
}

vocabulary! {
    /// The support plan the partner itself has bought.
    SupportPlan {
        /// None beyond membership.
        None = "none",
        /// Advanced Support for Partners.
        Asfp = "asfp",
        /// Premier Support for Partners.
        Psfp = "psfp",
    }
}

vocabulary! {
    /// The agreement the customer itself has with Microsoft.
    Contract {
        /// No agreement of its own.
        None = "none",
        /// Enterprise Agreement.
        Ea = "ea",
        /// Unified Support.
        Unified = "unified",
        /// Premier Support.
        Premier = "premier",
    }
}

vocabulary! {
    /// Whether a customer is known by name or only by the kind of customer.
    CustomerKind {
        /// One customer, with a name or an opportunity.
        Named = "named",
        /// A target segment or scenario the partner will sell into.
        Segment = "segment",
    }
}

/// The partner the engagement is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Partner {
    /// Microsoft Partner Network id, as typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mpn_id: Option<String>,
    /// Name of the partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the partner is a member of the Microsoft Partner Network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<bool>,
    /// Whether the asking person can work in Partner Center for the partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_center_access: Option<bool>,
    /// Whether the partner sells under the Cloud Solution Provider programme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csp: Option<bool>,
    /// The partner's own support plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_plan: Option<SupportPlan>,
}

/// The customer, or the kind of customer, the engagement is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Customer {
    /// Named, or a segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CustomerKind>,
    /// Name of a named customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Opportunity that stands for a named customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opportunity_id: Option<String>,
    /// Whether the customer agreed that it is named here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<bool>,
    /// What makes up a segment or scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The customer's own agreement with Microsoft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Contract>,
}

/// Everything a requester says about the engagement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The desk asked, a desk id of the catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk: Option<String>,
    /// The service wanted, a service id of the catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Sell-with or build-with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motion: Option<Motion>,
    /// One line that names the engagement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is wanted, in the requester's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The solution area, as typed; deals are counted per area, see [`Facts::solution_area_key`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solution_area: Option<String>,
    /// The partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<Partner>,
    /// The customer or segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// Kinds of work the engagement involves, work ids of the catalogue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub involves: Vec<String>,
    /// The kind of service problem, a problem id of the catalogue, where one is reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem_kind: Option<String>,
    /// Expected effort in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_hours: Option<f64>,
    /// Remote or on site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// The day by which help is needed (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed_by: Option<NaiveDate>,
    /// How much the requester presses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The requester's own number for this engagement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_reference: Option<String>,
    /// Free labels that no rule reads.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// A description was given and is not kept, because it may give a vulnerability away.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub description_withheld: bool,
}

impl Facts {
    /// The form of the solution area under which deals are counted: `Data & AI` and `data-ai` are one.
    pub fn solution_area_key(&self) -> Option<String> {
        let key: Vec<String> = self
            .solution_area
            .as_deref()?
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("and"))
            .map(str::to_lowercase)
            .collect();
        (!key.is_empty()).then(|| key.join("_"))
    }

    /// The form of the customer under which requests for the same customer find each other: the name, or
    /// else the opportunity, or else the description of the segment, in small letters and without
    /// punctuation.
    pub fn customer_key(&self) -> Option<String> {
        let customer = self.customer.as_ref()?;
        let texts = [
            &customer.name,
            &customer.opportunity_id,
            &customer.description,
        ];
        texts.into_iter().flatten().find_map(|text| {
            let mut key = String::with_capacity(text.len());
            for word in text
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| !word.is_empty())
            {
                if !key.is_empty() {
                    key.push(' ');
                }
                key.push_str(&word.to_lowercase());
            }
            (!key.is_empty()).then_some(key)
        })
    }

    /// The service wanted, where one is given.
    pub fn wanted_service(&self) -> Option<&str> {
        given(self.service.as_ref())
    }

    /// The partner's MPN id without the blanks around it, where one is given.
    pub fn partner_mpn_id(&self) -> Option<&str> {
        given(self.partner.as_ref()?.mpn_id.as_ref())
    }
}

/// A text without the blanks around it; blank counts as absent.
pub(crate) fn given(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, opportunity_id: &str, description: &str) -> Option<String> {
        let text = |text: &str| Some(text.to_owned());
        let customer = Customer {
            name: text(name),
            opportunity_id: text(opportunity_id),
            description: text(description),
            ..Customer::default()
        };
        Facts {
            customer: Some(customer),
            ..Facts::default()
        }
        .customer_key()
    }

    #[test]
    fn a_customer_is_the_same_however_its_name_is_typed() {
        assert_eq!(
            key(" Fabrikam-Bank, N.V. ", "", "").as_deref(),
            Some("fabrikam bank n v")
        );
        assert_eq!(
            key("FABRIKAM  BANK N V", "OPP-1", "x"),
            key("Fabrikam-Bank, N.V.", "", "")
        );
        assert_eq!(key("株式会社", "", "").as_deref(), Some("株式会社"));
    }

    #[test]
    fn without_a_name_the_opportunity_or_the_segment_stands_for_the_customer() {
        assert_eq!(key(" ", "OPP-2231", "x").as_deref(), Some("opp 2231"));
        assert_eq!(
            key("-", "", "Retail banks").as_deref(),
            Some("retail banks")
        );
        assert_eq!(key("", "", ""), None);
        assert_eq!(Facts::default().customer_key(), None);
    }
}

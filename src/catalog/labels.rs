//! What the words of the closed vocabularies are called on a form and in a message.
//!
//! The words are code, because rules read them; their names are data, because names age.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::facts::{
    Contract, CustomerKind, Delivery, Motion, Priority, Relationship, SupportPlan,
};

/// A word of a closed vocabulary that has a name in the catalogue.
pub trait Labelled: Copy + Ord + 'static {
    /// Every word of the vocabulary.
    const WORDS: &'static [Self];

    /// The word as it stands in JSON.
    fn word(self) -> &'static str;

    /// The name, or the word itself where there is none.
    fn label(self, labels: &Labels) -> &str;
}

macro_rules! labels {
    ($($(#[$doc:meta])* $key:ident: $vocabulary:ident),+ $(,)?) => {
        /// The names, vocabulary by vocabulary. A sound catalogue names every word.
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Labels {
            $($(#[$doc])* pub $key: BTreeMap<$vocabulary, String>,)+
        }

        impl Labels {
            /// Every word that ought to have a name: vocabulary, word, name.
            pub(super) fn words(&self) -> Vec<(&'static str, &'static str, Option<&String>)> {
                let mut words = Vec::new();
                $(words.extend($vocabulary::ALL.iter().map(|word| {
                    (stringify!($key), word.as_str(), self.$key.get(word))
                }));)+
                words
            }
        }

        $(impl Labelled for $vocabulary {
            const WORDS: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }

            fn label(self, labels: &Labels) -> &str {
                labels.$key.get(&self).map_or(self.as_str(), String::as_str)
            }
        })+
    };
}

labels! {
    /// Names of the motions.
    motion: Motion,
    /// Names of the ways of delivery.
    delivery: Delivery,
    /// Names of the relationships.
    relationship: Relationship,
    /// Names of the partner's support plans.
    support_plan: SupportPlan,
    /// Names of the customer's agreements.
    contract: Contract,
    /// Names of the kinds of customer.
    customer_kind: CustomerKind,
    /// Names of the priorities.
    priority: Priority,
}

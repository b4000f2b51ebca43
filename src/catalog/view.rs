//! The catalogue as `GET /v1/catalog` shows it: enough to draw a form, and to say in advance what a desk
//! takes.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Catalogue, Channel, Check, Desk, Expiry, Handover, Labelled, Labels, Rule, Service, Sla,
    SupportRow, Term, Wording, Work,
};
use crate::domain::decision::Basis;
use crate::domain::facts::{
    Contract, CustomerKind, Delivery, Motion, Priority, Relationship, SupportPlan,
};

/// Everything a client needs to offer a form and to explain a decision.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CatalogView {
    /// Version of the catalogue: a hash of its content, recorded by every decision.
    #[schema(example = "sha256:9f2c4e1ab7d05c33")]
    pub version: String,
    /// The desks, in the order in which they are preferred when all else is equal.
    pub desks: Vec<DeskView>,
    /// All services, whichever desk offers them.
    pub services: Vec<Service>,
    /// The kinds of work that `involves` can name.
    pub work: Vec<Work>,
    /// The kinds of service problem that `problem_kind` can name.
    pub problem_kinds: Vec<Term>,
    /// Solution areas to suggest. `solution_area` is free text, so others can be typed.
    pub solution_areas: Vec<Term>,
    /// The other closed vocabularies of a request.
    pub vocabularies: Vocabularies,
    /// The places outside the service that take what no desk takes.
    pub channels: Vec<Channel>,
    /// Where support is asked for: the first row that applies counts.
    pub support_routing: Vec<SupportRow>,
    /// Which desk takes over what another one refuses.
    pub handovers: Vec<Handover>,
    /// What the wording of a request may sound like; it then gets a warning.
    pub wordings: Vec<WordingView>,
    /// Days after which a request that nobody moves expires, by its state.
    pub expiry_days: Expiry,
}

/// One desk.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeskView {
    /// Id by which `desk` names it.
    #[schema(example = "tpd")]
    pub id: String,
    /// Its name.
    #[schema(example = "Technical Presales and Deployment")]
    pub name: String,
    /// Letters its references begin with.
    #[schema(example = "TPD")]
    pub reference_prefix: String,
    /// What it does.
    pub summary: String,
    /// Link or mailbox; absent where the source gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://aka.ms/TPDTechnicalServices")]
    pub address: Option<String>,
    /// Section of the source page that describes it.
    #[schema(example = "References / Technical Presales and Deployment Services")]
    pub citation: String,
    /// Ids of the services it offers.
    pub services: Vec<String>,
    /// Its rules, in the order in which a decision lists them.
    pub rules: Vec<RuleView>,
    /// Hours that may be logged on one request in all; absent where there is no such cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 25.0)]
    pub logged_hours_at_most: Option<f64>,
    /// How soon the desk means to react.
    pub sla: Sla,
}

/// One rule of a desk, with its kind and parameters.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleView {
    /// Id of the rule, as decisions name it.
    #[schema(example = "tpd.hours")]
    pub id: String,
    /// Ids of the services it is about; empty for all.
    pub services: Vec<String>,
    /// Section of the source page it comes from.
    #[schema(example = "References / Technical Presales and Deployment Services")]
    pub citation: String,
    /// Whether the source page says so.
    pub basis: Basis,
    /// Whether a lead of the desk may waive it.
    pub waivable: bool,
    /// What it checks: its kind, and the parameters of that kind.
    pub check: Check,
}

/// The closed vocabularies of a request, each word with its name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Vocabularies {
    /// Words for `motion`.
    pub motion: Vec<Word>,
    /// Words for `delivery`.
    pub delivery: Vec<Word>,
    /// Words for `requested_by.relationship`.
    pub relationship: Vec<Word>,
    /// Words for `partner.support_plan`.
    pub support_plan: Vec<Word>,
    /// Words for `customer.contract`.
    pub contract: Vec<Word>,
    /// Words for `customer.kind`.
    pub customer_kind: Vec<Word>,
    /// Words for `priority`.
    pub priority: Vec<Word>,
}

/// One word of a closed vocabulary.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Word {
    /// The word as it stands in a request.
    #[schema(example = "sell_with")]
    pub id: String,
    /// What it is called on a form.
    #[schema(example = "sell-with")]
    pub name: String,
}

/// One category of wording that is watched for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WordingView {
    /// Id of the category.
    #[schema(example = "outage")]
    pub id: String,
    /// What the wording sounds like.
    #[schema(example = "an outage")]
    pub name: String,
}

impl From<&Catalogue> for CatalogView {
    fn from(catalogue: &Catalogue) -> Self {
        Self {
            version: catalogue.version().to_owned(),
            desks: catalogue.desks().iter().map(DeskView::from).collect(),
            services: catalogue.services().to_vec(),
            work: catalogue.all_work().to_vec(),
            problem_kinds: catalogue.problem_kinds().to_vec(),
            solution_areas: catalogue.solution_areas().to_vec(),
            vocabularies: Vocabularies::from(catalogue.labels()),
            channels: catalogue.channels().to_vec(),
            support_routing: catalogue.support_routing().to_vec(),
            handovers: catalogue.handovers().to_vec(),
            wordings: catalogue.wordings().iter().map(WordingView::from).collect(),
            expiry_days: catalogue.expiry(),
        }
    }
}

impl From<&Desk> for DeskView {
    fn from(desk: &Desk) -> Self {
        let Desk {
            id,
            name,
            prefix,
            summary,
            address,
            citation,
            services,
            logged_hours_at_most,
            sla,
            rules,
        } = desk.clone();
        Self {
            id,
            name,
            reference_prefix: prefix,
            summary,
            address,
            citation,
            services,
            rules: rules.into_iter().map(RuleView::from).collect(),
            logged_hours_at_most,
            sla,
        }
    }
}

impl From<Rule> for RuleView {
    fn from(rule: Rule) -> Self {
        let Rule {
            id,
            citation,
            basis,
            waivable,
            services,
            check,
        } = rule;
        Self {
            id,
            services,
            citation,
            basis,
            waivable,
            check,
        }
    }
}

impl From<&Labels> for Vocabularies {
    fn from(labels: &Labels) -> Self {
        let Labels {
            motion: _,
            delivery: _,
            relationship: _,
            support_plan: _,
            contract: _,
            customer_kind: _,
            priority: _,
        } = labels;
        Self {
            motion: words::<Motion>(labels),
            delivery: words::<Delivery>(labels),
            relationship: words::<Relationship>(labels),
            support_plan: words::<SupportPlan>(labels),
            contract: words::<Contract>(labels),
            customer_kind: words::<CustomerKind>(labels),
            priority: words::<Priority>(labels),
        }
    }
}

impl From<&Wording> for WordingView {
    fn from(wording: &Wording) -> Self {
        Self {
            id: wording.id.clone(),
            name: wording.name.clone(),
        }
    }
}

fn words<W: Labelled>(labels: &Labels) -> Vec<Word> {
    let word = |word: &W| Word {
        id: word.word().to_owned(),
        name: word.label(labels).to_owned(),
    };
    W::WORDS.iter().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_can_be_drawn_from_it() {
        let catalogue = super::super::builtin().expect("a sound catalogue");
        let view = serde_json::to_value(CatalogView::from(&catalogue)).expect("JSON");
        assert_eq!(view["version"], catalogue.version());
        assert_eq!(view["desks"][2]["logged_hours_at_most"], 25.0);
        assert_eq!(view["desks"][0].get("logged_hours_at_most"), None);
        let rules = view["desks"][2]["rules"].as_array().expect("rules");
        let hours = rules
            .iter()
            .find(|rule| rule["id"] == "tpd.hours")
            .expect("tpd.hours");
        assert_eq!(hours["check"]["kind"], "hours");
        assert_eq!(hours["check"]["comparison"], "less_than");
        assert_eq!(hours["check"]["hours"], 25.0);
        assert_eq!(hours["waivable"], true);
        assert_eq!(view["vocabularies"]["contract"][3]["id"], "premier");
        assert_eq!(view["expiry_days"]["basis"], "default");
        assert_eq!(view["work"][0]["route"], "support");
    }

    #[test]
    fn its_schema_describes_what_it_yields() {
        use utoipa::PartialSchema as _;
        let schema = serde_json::to_string(&RuleView::schema()).expect("a schema");
        assert!(schema.contains("waivable"), "{schema}");
        let schema = serde_json::to_string(&Check::schema()).expect("a schema");
        for word in ["\"kind\"", "deal_limit", "within_days", "Comparison"] {
            assert!(schema.contains(word), "{word}: {schema}");
        }
    }
}

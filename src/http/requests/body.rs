//! The facts of a request as clients send them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Object, ObjectBuilder, Schema, Type};
use validator::Validate;

use crate::catalog::Catalogue;
use crate::domain::actor::Requester;
use crate::domain::facts::{
    Contract, Customer, CustomerKind, Delivery, Facts, Motion, Partner, Priority, Relationship,
    SupportPlan,
};
use crate::http::parse::{self, CatalogueWord, Faults};

/// The partner the engagement is for.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct PartnerBody {
    /// Microsoft Partner Network id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 32))]
    #[schema(min_length = 1, max_length = 32, example = "4567890")]
    pub mpn_id: Option<String>,
    /// Name of the partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "Contoso Consulting")]
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
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct CustomerBody {
    /// Named, or a segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CustomerKind>,
    /// Name of a named customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "Fabrikam Bank")]
    pub name: Option<String>,
    /// Opportunity that stands for a named customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "OPP-2231")]
    pub opportunity_id: Option<String>,
    /// Whether the customer agreed that it is named here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<bool>,
    /// What makes up a segment or scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(length(min = 1, max = 2000))]
    #[schema(
        min_length = 1,
        max_length = 2000,
        example = "Mid-sized hospitals moving imaging archives to the cloud"
    )]
    pub description: Option<String>,
    /// The customer's own agreement with Microsoft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Contract>,
}

/// Declares a body with all the facts and what else its operation takes. A macro, because flattening
/// one struct into another would lose the pointers of faults.
macro_rules! body_with_facts {
    ($(#[doc = $doc:literal])* example: $example:tt, pub struct $name:ident { $($(#[$extra_doc:meta])* pub $extra:ident: Option<$extra_type:ty>,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema, Validate)]
        #[serde(default, deny_unknown_fields)]
        #[schema(example = json!($example))]
        pub struct $name {
            $($(#[$extra_doc])* pub $extra: Option<$extra_type>,)*
            /// The desk asked, a desk id of the catalogue. Left out, every desk is compared and the
            /// recommended one is taken.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(length(min = 1, max = 64))]
            #[schema(pattern = "^[a-z][a-z0-9_]*$", min_length = 1, max_length = 64, example = "pad")]
            pub desk: Option<String>,
            /// The service wanted, a service id of the catalogue.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(length(min = 1, max = 64))]
            #[schema(pattern = "^[a-z][a-z0-9_]*$", min_length = 1, max_length = 64, example = "architecture_design_session")]
            pub service: Option<String>,
            /// Sell-with or build-with.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub motion: Option<Motion>,
            /// One line that names the engagement.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(length(min = 1, max = 200))]
            #[schema(min_length = 1, max_length = 200, example = "Landing zone for a retail bank")]
            pub title: Option<String>,
            /// What is wanted, in the requester's words.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(length(max = 10000))]
            #[schema(max_length = 10000, example = "Two-day design of a landing zone for the bank's branches.")]
            pub description: Option<String>,
            /// The solution area. The catalogue suggests some; others are taken too.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(length(min = 1, max = 100))]
            #[schema(min_length = 1, max_length = 100, example = "infrastructure")]
            pub solution_area: Option<String>,
            /// The partner.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(nested)]
            pub partner: Option<PartnerBody>,
            /// The customer or segment.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(nested)]
            pub customer: Option<CustomerBody>,
            /// Kinds of work the engagement involves, work ids of the catalogue.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(length(max = 50), custom(function = parse::words))]
            #[schema(value_type = Option<Vec<CatalogueWord>>, max_items = 50, example = json!([]))]
            pub involves: Option<Vec<String>>,
            /// The kind of service problem, a problem id of the catalogue, where one is reported.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(length(min = 1, max = 64))]
            #[schema(pattern = "^[a-z][a-z0-9_]*$", min_length = 1, max_length = 64, example = "unavailable_service")]
            pub problem_kind: Option<String>,
            /// Expected effort in hours.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(range(min = 0.25, max = 10000.0))]
            #[schema(minimum = 0.25, maximum = 10000, example = 12.5)]
            pub estimated_hours: Option<f64>,
            /// Remote or on site.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub delivery: Option<Delivery>,
            /// The day by which help is needed (UTC).
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(example = "2027-01-15")]
            pub needed_by: Option<NaiveDate>,
            /// How much the requester presses.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub priority: Option<Priority>,
            /// The requester's own number for this engagement.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(length(min = 1, max = 100))]
            #[schema(min_length = 1, max_length = 100, example = "CRM-881")]
            pub external_reference: Option<String>,
            /// Free labels that no rule reads.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[validate(custom(function = labels))]
            #[schema(schema_with = labels_schema)]
            pub metadata: Option<BTreeMap<String, Option<String>>>,
        }

        impl $name {
            /// The facts, as the rules read them.
            pub fn facts(&self) -> Facts {
                let Self { $($extra: _,)* desk, service, motion, title, description, solution_area, partner, customer, involves, problem_kind, estimated_hours, delivery, needed_by, priority, external_reference, metadata } = self.clone();
                Facts {
                    desk,
                    service,
                    motion,
                    title,
                    description,
                    solution_area,
                    partner: partner.map(Partner::from),
                    customer: customer.map(Customer::from),
                    involves: involves.unwrap_or_default(),
                    problem_kind,
                    estimated_hours,
                    delivery,
                    needed_by,
                    priority,
                    external_reference,
                    metadata: metadata
                        .unwrap_or_default()
                        .into_iter()
                        .filter_map(|(name, value)| Some((name, value?)))
                        .collect(),
                    description_withheld: false,
                }
            }
        }
    };
}

/// The person an integration submits for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RequesterBody {
    /// Name to show.
    #[validate(length(min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "Paula Dimitrova Marsh")]
    pub name: String,
    /// E-mail address; it ties the request to the person's own credential.
    #[validate(email, length(max = 254))]
    #[schema(format = "email", max_length = 254, example = "paula@example.com")]
    pub email: String,
    /// What the person is to the partner.
    pub relationship: Relationship,
}

body_with_facts! {
    /// Everything a requester says about the engagement. What is left out is unknown, never false.
    example: { "estimated_hours": 24.75, "customer": { "consent": true } },
    pub struct FactsBody {}
}

body_with_facts! {
    /// The facts of a dry run.
    example: {
        "desk": "tpd", "service": "deployment_consultation", "estimated_hours": 25, "delivery": "remote",
        "partner": { "mpn_id": "4567890", "member": true, "partner_center_access": true },
        "customer": { "kind": "segment", "description": "Hospitals moving imaging archives to the cloud" }
    },
    pub struct CheckBody {
        /// What the asking person is to the partner; a requester's own credential says so already.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub relationship: Option<Relationship>,
    }
}

body_with_facts! {
    /// A new request.
    example: {
        "desk": "pad", "service": "architecture_design_session", "motion": "sell_with",
        "title": "Landing zone for a retail bank", "solution_area": "infrastructure",
        "partner": { "mpn_id": "4567890", "name": "Contoso Consulting", "member": true },
        "customer": { "kind": "named", "name": "Fabrikam Bank", "consent": true },
        "involves": [], "estimated_hours": 12.5, "delivery": "remote"
    },
    pub struct CreateBody {
        /// Keep it, but don't submit it yet: facts may be missing.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub draft: Option<bool>,
        /// The person it is for. An integration names one; nobody else does.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[validate(nested)]
        pub requested_by: Option<RequesterBody>,
    }
}

/// Most labels of a request, and the most characters of their names and texts.
const LABELS: usize = 50;
const LABEL_NAME: usize = 64;
const LABEL_TEXT: usize = 500;

/// What the document says of [`labels`].
fn labels_schema() -> Object {
    let text = |kinds: SchemaType, most| {
        ObjectBuilder::new()
            .schema_type(kinds)
            .max_length(Some(most))
            .build()
    };
    let nullable = |kind| SchemaType::from_iter([kind, Type::Null]);
    ObjectBuilder::new()
        .schema_type(nullable(Type::Object))
        .description(Some("Free labels that no rule reads."))
        .max_properties(Some(LABELS))
        .property_names(Some(Schema::Object(text(Type::String.into(), LABEL_NAME))))
        .additional_properties(Some(Schema::Object(text(
            nullable(Type::String),
            LABEL_TEXT,
        ))))
        .examples([serde_json::json!({ "region": "emea" })])
        .build()
}

fn labels(metadata: &BTreeMap<String, Option<String>>) -> Result<(), validator::ValidationError> {
    let fits = |text: &str, most: usize| text.chars().count() <= most;
    if metadata.len() > LABELS {
        let mut error = validator::ValidationError::new("length");
        error.add_param("value".into(), metadata);
        error.add_param("max".into(), &LABELS);
        return Err(error);
    }
    if metadata.iter().all(|(name, value)| {
        fits(name, LABEL_NAME) && value.as_ref().is_none_or(|value| fits(value, LABEL_TEXT))
    }) {
        Ok(())
    } else {
        Err(validator::ValidationError::new("metadata").with_message(
            format!("must have names of at most {LABEL_NAME} and values of at most {LABEL_TEXT} characters").into(),
        ))
    }
}

impl From<Facts> for FactsBody {
    fn from(facts: Facts) -> Self {
        let Facts {
            desk,
            service,
            motion,
            title,
            description,
            solution_area,
            partner,
            customer,
            involves,
            problem_kind,
            estimated_hours,
            delivery,
            needed_by,
            priority,
            external_reference,
            metadata,
            description_withheld: _,
        } = facts;
        Self {
            desk,
            service,
            motion,
            title,
            description,
            solution_area,
            partner: partner.map(PartnerBody::from),
            customer: customer.map(CustomerBody::from),
            involves: Some(involves),
            problem_kind,
            estimated_hours,
            delivery,
            needed_by,
            priority,
            external_reference,
            metadata: Some(
                metadata
                    .into_iter()
                    .map(|(name, value)| (name, Some(value)))
                    .collect(),
            ),
        }
    }
}

/// Words that the catalogue does not have, each a fault at its member.
pub fn check_words(facts: &Facts, catalogue: &Catalogue, faults: &mut Faults) {
    let mut check = |pointer: String, word: &str, known: bool, what: &str| {
        if !known {
            let message = format!("must be {what} of the catalogue, which has no {word:?}");
            faults.at(pointer, "UNKNOWN_WORD", message);
        }
    };
    if let Some(desk) = &facts.desk {
        check(
            "/desk".to_owned(),
            desk,
            catalogue.desk(desk).is_some(),
            "a desk",
        );
    }
    if let Some(service) = &facts.service {
        check(
            "/service".to_owned(),
            service,
            catalogue.service(service).is_some(),
            "a service",
        );
    }
    if let Some(problem) = &facts.problem_kind {
        let known = catalogue.problem_kind(problem).is_some();
        check("/problem_kind".to_owned(), problem, known, "a problem kind");
    }
    for (index, work) in facts.involves.iter().enumerate() {
        let known = catalogue.work(work).is_some();
        check(format!("/involves/{index}"), work, known, "a kind of work");
    }
}

impl From<PartnerBody> for Partner {
    fn from(body: PartnerBody) -> Self {
        let PartnerBody {
            mpn_id,
            name,
            member,
            partner_center_access,
            csp,
            support_plan,
        } = body;
        Self {
            // It is compared, counted and searched for: what is around it by accident is no part of it.
            mpn_id: mpn_id.map(|id| id.trim().to_owned()),
            name,
            member,
            partner_center_access,
            csp,
            support_plan,
        }
    }
}

impl From<CustomerBody> for Customer {
    fn from(body: CustomerBody) -> Self {
        let CustomerBody {
            kind,
            name,
            opportunity_id,
            consent,
            description,
            contract,
        } = body;
        Self {
            kind,
            name,
            opportunity_id,
            consent,
            description,
            contract,
        }
    }
}

impl From<Partner> for PartnerBody {
    fn from(partner: Partner) -> Self {
        let Partner {
            mpn_id,
            name,
            member,
            partner_center_access,
            csp,
            support_plan,
        } = partner;
        Self {
            mpn_id,
            name,
            member,
            partner_center_access,
            csp,
            support_plan,
        }
    }
}

impl From<Customer> for CustomerBody {
    fn from(customer: Customer) -> Self {
        let Customer {
            kind,
            name,
            opportunity_id,
            consent,
            description,
            contract,
        } = customer;
        Self {
            kind,
            name,
            opportunity_id,
            consent,
            description,
            contract,
        }
    }
}

impl From<RequesterBody> for Requester {
    fn from(body: RequesterBody) -> Self {
        let RequesterBody {
            name,
            email,
            relationship,
        } = body;
        Self {
            name,
            email,
            relationship,
        }
    }
}

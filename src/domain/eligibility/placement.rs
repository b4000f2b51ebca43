//! Where what a desk refuses belongs instead.
//!
//! Each refused part is placed on its own: a kind of work by the handovers that name it or else by its
//! route, a motion by its handovers, an end customer's request by the support routing. A part without a
//! place is said to have none; no place is ever made up.

use crate::catalog::{Catalogue, Check, Desk, Handover, Route};
use crate::domain::decision::{
    Basis, DeskDecision, Destination, DestinationKind, Outcome, Unplaced,
};
use crate::domain::facts::{Facts, Relationship};

use super::case::{Case, Reading};
use super::report::{self, Refusal};
use super::support;

/// Places, and the parts that have none.
#[derive(Default)]
pub(super) struct Placement {
    pub destinations: Vec<Destination>,
    pub unplaced: Vec<Unplaced>,
}

impl Placement {
    fn add(&mut self, destination: Destination) {
        let same =
            |other: &Destination| other.kind == destination.kind && other.id == destination.id;
        if !self.destinations.iter().any(same) {
            self.destinations.push(destination);
        }
    }

    fn leave(&mut self, refusal: &Refusal<'_>, message: String) {
        self.unplaced.push(Unplaced {
            rule: refusal.rule.id.clone(),
            work: refusal.work.map(str::to_owned),
            message,
        });
    }
}

/// The place of everything one desk refused: support first, then the desks that take over, then the
/// channels, and last the desks that would take the request as it stands.
pub(super) fn place(case: &Case<'_>, refusals: &[Refusal<'_>]) -> Placement {
    let mut placement = Placement::default();
    if refusals.is_empty() {
        return placement;
    }
    let parts: Vec<Part> = refusals.iter().map(|refusal| part(case, refusal)).collect();
    if parts.iter().any(|part| matches!(part, Part::Support)) {
        support::route(case.reading)
            .into_iter()
            .for_each(|channel| placement.add(channel));
    }
    for part in &parts {
        if let Part::Handover(desk) = part {
            placement.add(desk.clone());
        }
    }
    for part in &parts {
        if let Part::Channel(channel) = part {
            placement.add(channel.clone());
        }
    }
    let homeless = |part: &Part| matches!(part, Part::Homeless(_));
    if !parts.iter().any(homeless) {
        takers(case).for_each(|desk| placement.add(desk));
    }
    let taken = placement
        .destinations
        .iter()
        .any(|place| place.kind == DestinationKind::Desk);
    for (refusal, part) in refusals.iter().zip(parts) {
        match part {
            Part::Homeless(message) => placement.leave(refusal, message),
            Part::NotAsItStands(message) if !taken => placement.leave(refusal, message),
            Part::NotAsItStands(_)
            | Part::Support
            | Part::Handover(_)
            | Part::Channel(_)
            | Part::Mendable => {}
        }
    }
    placement
}

/// What becomes of one refused part.
enum Part {
    /// It goes by the support routing.
    Support,
    /// A desk takes over.
    Handover(Destination),
    /// A channel takes it.
    Channel(Destination),
    /// The source names no place for it, whatever the rest of the request is.
    Homeless(String),
    /// It has no place unless a desk takes the request for another reason.
    NotAsItStands(String),
    /// The requester can mend it, or another failure says what to do.
    Mendable,
}

fn part(case: &Case<'_>, refusal: &Refusal<'_>) -> Part {
    let desk = &case.desk.name;
    match &refusal.rule.check {
        Check::ExcludedWork { .. } => work(case, refusal),
        Check::Relationship { .. } => match case.reading.question.asker {
            Some(Relationship::EndCustomer) => Part::Support,
            _ => Part::Mendable,
        },
        Check::Motion { .. } => motion(case),
        Check::Hours { .. } => Part::NotAsItStands(format!(
            "The source names no place for an engagement of more hours than {desk} takes."
        )),
        Check::Delivery { .. } => Part::NotAsItStands(format!(
            "The source names no place for help given otherwise than {desk} gives it."
        )),
        Check::DealLimit { .. } => Part::NotAsItStands(format!(
            "The source names no place for deals beyond those that {desk} helps with."
        )),
        Check::Service {}
        | Check::Customer { .. }
        | Check::PartnerFact { .. }
        | Check::PartnerId { .. }
        | Check::SplitNeed { .. }
        | Check::SimilarOpen {}
        | Check::Wording { .. }
        | Check::StatedProblem {} => Part::Mendable,
    }
}

fn work(case: &Case<'_>, refusal: &Refusal<'_>) -> Part {
    let Some(work) = refusal.work.and_then(|id| case.work(id)) else {
        return Part::Mendable;
    };
    let mut handovers = case
        .catalogue()
        .handovers()
        .iter()
        .filter(|handover| handover.work.contains(&work.id));
    let has_handover = handovers.clone().next().is_some();
    if let Some(desk) = handovers.find_map(|handover| follow(case, handover)) {
        return Part::Handover(desk);
    }
    match &work.route {
        Route::Support => Part::Support,
        Route::Channel(id) => {
            match support::channel(
                case.reading,
                id,
                work.reason.clone(),
                work.basis,
                &work.citation,
            ) {
                Some(channel) => Part::Channel(channel),
                None => Part::Mendable,
            }
        }
        Route::Nowhere if has_handover => Part::NotAsItStands(format!(
            "{} As this request stands, no desk takes {}.",
            work.reason, work.name
        )),
        Route::Nowhere => Part::Homeless(format!(
            "{} The source names no place for {}.",
            work.reason, work.name
        )),
    }
}

/// A refused motion is placed by its handovers. If none leads anywhere, it is without a place only if no
/// desk offers the service under that motion; otherwise the other failures say what is in the way.
fn motion(case: &Case<'_>) -> Part {
    let Some(motion) = case.motion else {
        return Part::Mendable;
    };
    let handovers = case.catalogue().handovers().iter();
    let mut handovers = handovers.filter(|handover| handover.motion == Some(motion));
    if let Some(desk) = handovers.find_map(|handover| follow(case, handover)) {
        return Part::Handover(desk);
    }
    let offered = |desk: &Desk| {
        case.service.is_none_or(|service| desk.offers(service))
            && desk.rules.iter().all(|rule| match &rule.check {
                Check::Motion { allowed } => allowed.contains(&motion),
                _ => true,
            })
    };
    if case.catalogue().desks().iter().any(offered) {
        return Part::Mendable;
    }
    let motion = case.catalogue().label(motion);
    let service = case.service_name().unwrap_or("the service");
    Part::NotAsItStands(format!("No desk offers {service} as {motion} work."))
}

/// The desk a handover leads to, if its conditions hold and no rule of that desk fails.
fn follow(case: &Case<'_>, handover: &Handover) -> Option<Destination> {
    let there = handed_by(case, handover)?;
    let survey = report::survey(&there);
    survey.would_take().then(|| {
        let missing = still_missing(survey.missing.iter().map(|pointer| pointer.as_ref()));
        let reason = handover.reason.clone() + &missing;
        as_destination(there.desk, reason, handover.basis, &handover.citation)
    })
}

/// The request as a handover brings it before the desk it leads to, if its conditions hold.
fn handed_by<'a>(case: &Case<'a>, handover: &Handover) -> Option<Case<'a>> {
    let Handover {
        from,
        to,
        motion: _,
        work: _,
        when,
        judged_as,
        any_service,
        reason: _,
        basis: _,
        citation: _,
    } = handover;
    let leads_away = from.is_empty() || from.contains(&case.desk.id);
    if !leads_away || *to == case.desk.id || !case.reading.holds(when) {
        return None;
    }
    let desk = case.catalogue().desk(to)?;
    Some(Case {
        reading: case.reading,
        desk,
        motion: judged_as.or(case.motion),
        service: case
            .service
            .filter(|service| !any_service || desk.offers(service)),
    })
}

/// What the request says once it goes on at another desk: under the motion of the handover that leads there, if one does,
/// and without a service that this leaves open.
pub(super) fn handed_over(reading: &Reading<'_>, from: Option<&str>, to: &str) -> Facts {
    let catalogue = reading.catalogue;
    let facts = reading.question.facts;
    let desks = catalogue.desks().iter();
    let there = desks
        .filter(|desk| from.is_none_or(|from| desk.id == from))
        .find_map(|desk| {
            let case = Case::as_stated(reading, desk);
            let mut handovers = catalogue.handovers().iter();
            handovers.find_map(|handover| {
                let is_concerned = (handover.motion.is_some() && handover.motion == case.motion)
                    || handover
                        .work
                        .iter()
                        .any(|work| reading.involved(work).is_some());
                handed_by(&case, handover).filter(|there| is_concerned && there.desk.id == to)
            })
        });
    Facts {
        desk: Some(to.to_owned()),
        motion: there.as_ref().map_or(facts.motion, |there| there.motion),
        service: match there {
            Some(Case { service: None, .. }) => None,
            _ => facts.service.clone(),
        },
        ..facts.clone()
    }
}

/// Names the fields that are still to be given, each once.
fn still_missing<'p>(pointers: impl Iterator<Item = &'p str>) -> String {
    let mut fields: Vec<String> = Vec::new();
    for pointer in pointers {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    if fields.is_empty() {
        return String::new();
    }
    format!(" Still to be given there: {}.", fields.join(", "))
}

/// The other desks that take the request exactly as it stands.
fn takers(case: &Case<'_>) -> impl Iterator<Item = Destination> {
    let others = case
        .catalogue()
        .desks()
        .iter()
        .filter(|desk| desk.id != case.desk.id);
    let takers = others.filter(|desk| report::survey(&Case::as_stated(case.reading, desk)).takes());
    takers.map(|desk| {
        let reason = format!("{} takes this request as it stands.", desk.name);
        as_destination(desk, reason, Basis::Inferred, &desk.citation)
    })
}

fn as_destination(desk: &Desk, reason: String, basis: Basis, citation: &str) -> Destination {
    Destination {
        kind: DestinationKind::Desk,
        id: desk.id.clone(),
        name: desk.name.clone(),
        address: desk.address.clone(),
        reason,
        basis,
        citation: citation.to_owned(),
    }
}

/// One list for a request that named no desk and that no desk takes as it is. Where nothing but missing
/// facts stands in the way at a desk, the request belongs there. Where every desk refuses, their places
/// are put together.
pub(super) fn merge(catalogue: &Catalogue, compared: &[DeskDecision]) -> Placement {
    let mut placement = Placement::default();
    for decision in compared.iter().filter(|decision| !refuses(decision)) {
        let Some(desk) = catalogue.desk(&decision.desk) else {
            continue;
        };
        let unknown = decision
            .rules
            .iter()
            .filter(|rule| rule.outcome == Outcome::Unknown);
        let missing = still_missing(unknown.filter_map(|rule| rule.pointer.as_deref()));
        let reason = format!("{} refuses nothing here.{missing}", desk.name);
        placement.add(as_destination(
            desk,
            reason,
            Basis::Inferred,
            &desk.citation,
        ));
    }
    if !placement.destinations.is_empty() {
        return placement;
    }
    // in every desk's own list support comes first, so it does here too
    let all = || compared.iter().flat_map(|decision| &decision.destinations);
    for kind in [DestinationKind::Channel, DestinationKind::Desk] {
        all()
            .filter(|place| place.kind == kind)
            .for_each(|place| placement.add(place.clone()));
    }
    for part in compared.iter().flat_map(|decision| &decision.unplaced) {
        let same = |other: &Unplaced| match &part.work {
            Some(work) => other.work.as_ref() == Some(work),
            None => other.rule == part.rule,
        };
        if !placement.unplaced.iter().any(same) {
            placement.unplaced.push(part.clone());
        }
    }
    placement
}

fn refuses(decision: &DeskDecision) -> bool {
    decision
        .rules
        .iter()
        .any(|rule| rule.outcome == Outcome::Fail && !rule.waived)
}

#[cfg(test)]
mod tests {
    use super::super::given::request_at;
    use crate::domain::decision::{Basis, DestinationKind};
    use crate::domain::facts::{Motion, Relationship};

    fn service(id: &str) -> Option<String> {
        Some(id.to_owned())
    }

    #[test]
    fn an_eligible_request_goes_nowhere_else() {
        for desk in ["pad", "gps", "tpd"] {
            let decision = request_at(desk).decide();
            assert!(decision.eligible && decision.destinations.is_empty());
            assert_eq!(decision.recommended_desk.as_deref(), Some(desk));
        }
    }

    #[test]
    fn missing_facts_alone_send_nobody_away() {
        let given = request_at("pad")
            .with(|facts| facts.motion = None)
            .asked_by(None);
        assert_eq!((given.destinations().len(), given.unplaced().len()), (0, 0));
    }

    #[test]
    fn programme_enablement_and_training_go_to_the_cloud_enablement_desk() {
        for (work, basis) in [
            ("programme_enablement", Basis::Stated),
            ("training_delivery", Basis::Inferred),
        ] {
            let decision = request_at("tpd").involving(&[work]).decide();
            let [place] = decision.destinations.as_slice() else {
                panic!("{decision:#?}")
            };
            assert_eq!(
                (place.id.as_str(), place.basis),
                ("cloud_enablement_desk", basis)
            );
            assert_eq!(place.kind, DestinationKind::Channel);
        }
    }

    #[test]
    fn work_without_a_home_gets_no_destination_and_says_so() {
        for (desk, work) in [
            ("pad", "staff_augmentation"),
            ("gps", "staff_augmentation"),
            ("tpd", "staff_augmentation"),
            ("pad", "dedicated_csa"),
            ("pad", "architecture_attestation"),
            ("pad", "implementation"),
            ("pad", "scale_training"),
            ("pad", "sustained_engagement"),
            ("tpd", "sustained_engagement"),
            ("tpd", "on_site"),
            ("tpd", "licensing_or_pricing"),
            ("tpd", "sales_pipeline_planning"),
            ("tpd", "code_review"),
            ("tpd", "performance_tuning"),
        ] {
            let given = request_at(desk).involving(&[work]);
            assert_eq!(given.destinations(), [""; 0], "{work} at {desk}");
            assert_eq!(given.unplaced(), [work], "{work} at {desk}");
            assert!(
                given.decide().unplaced[0]
                    .message
                    .contains("names no place")
            );
        }
    }

    #[test]
    fn building_a_practice_goes_to_gps_judged_as_build_with() {
        let given = request_at("pad").involving(&["practice_or_solution_build"]);
        assert_eq!(given.destinations(), ["gps"]);
        assert_eq!(given.unplaced(), [""; 0]);
        assert_eq!(given.decide().destinations[0].basis, Basis::Inferred);
    }

    #[test]
    fn what_is_still_missing_at_the_other_desk_is_said() {
        let given = request_at("pad").involving(&["practice_or_solution_build"]);
        let given = given.with(|facts| facts.service = service("deployment_review"));
        let decision = given.decide();
        assert_eq!(decision.destinations[0].id, "gps");
        assert!(
            decision.destinations[0]
                .reason
                .ends_with("Still to be given there: service.")
        );
        let given = request_at("pad")
            .with(|facts| facts.motion = Some(Motion::BuildWith))
            .customer(|customer| customer.consent = None);
        let reason = &given.decide().destinations[0].reason;
        assert!(
            reason.ends_with("Still to be given there: customer.consent."),
            "{reason}"
        );
    }

    #[test]
    fn a_desk_that_would_refuse_too_is_not_offered() {
        let given = request_at("pad").with(|facts| facts.motion = Some(Motion::BuildWith));
        let given = given.involving(&["practice_or_solution_build", "staff_augmentation"]);
        assert_eq!(given.destinations(), [""; 0]);
        assert_eq!(
            given.unplaced(),
            ["practice_or_solution_build", "staff_augmentation"]
        );
        let given = request_at("gps")
            .with(|facts| facts.motion = Some(Motion::SellWith))
            .asked_by(Some(Relationship::PartnerContact));
        assert_eq!(given.destinations(), [""; 0]);
    }

    #[test]
    fn build_with_that_no_desk_offers_has_no_place() {
        let given = request_at("pad").with(|facts| {
            facts.motion = Some(Motion::BuildWith);
            facts.service = service("rfp_rfi_advice");
        });
        assert_eq!(given.destinations(), [""; 0]);
        assert_eq!(given.unplaced(), ["pad.motion"]);
    }

    #[test]
    fn discussions_with_a_named_customer_go_to_pad_where_it_is_sell_with() {
        let given = request_at("tpd").involving(&["end_customer_discussion"]);
        assert_eq!(given.destinations(), ["pad"]);
        let given = given.with(|facts| facts.motion = Some(Motion::BuildWith));
        assert_eq!(given.destinations(), [""; 0]);
        assert_eq!(given.unplaced(), ["end_customer_discussion"]);
    }

    #[test]
    fn application_development_goes_to_gps_where_it_is_build_with() {
        let given = request_at("tpd").involving(&["application_development_beyond_poc"]);
        assert_eq!(given.unplaced(), ["application_development_beyond_poc"]);
        let given = given.with(|facts| facts.motion = Some(Motion::BuildWith));
        assert_eq!(given.destinations(), ["gps"]);
        assert_eq!(given.unplaced(), [""; 0]);
    }

    #[test]
    fn each_refused_part_is_placed_on_its_own() {
        let given = request_at("tpd").involving(&["code_review", "training_delivery", "break_fix"]);
        assert_eq!(
            given.destinations(),
            ["mpn_included_support", "cloud_enablement_desk"]
        );
        assert_eq!(given.unplaced(), ["code_review"]);
    }
}

//! Where what a desk refuses belongs instead.
//!
//! Each refused part is placed on its own: a kind of work by the handovers that name it or else by its
//! route, a motion by its handovers, an end customer's request by the support routing. A part without a
//! place is said to have none; no place is ever made up.

use crate::catalog::{Check, Desk, Handover, Route};
use crate::domain::decision::{
    Basis, DeskDecision, Destination, DestinationKind, Outcome, Unplaced,
};
use crate::domain::facts::Relationship;

use super::case::Case;
use super::report::{self, Refusal, Survey};
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
    let Handover {
        from,
        to,
        motion: _,
        work: _,
        when,
        judged_as,
        any_service,
        reason,
        basis,
        citation,
    } = handover;
    let leads_away = from.is_empty() || from.contains(&case.desk.id);
    if !leads_away || *to == case.desk.id || !case.reading.holds(when) {
        return None;
    }
    let desk = case.catalogue().desk(to)?;
    let service = case
        .service
        .filter(|service| !any_service || desk.offers(service));
    let motion = judged_as.or(case.motion);
    let survey = report::survey(&Case {
        reading: case.reading,
        desk,
        motion,
        service,
    });
    survey.would_take().then(|| {
        let reason = reason.clone() + &still_missing(&survey);
        as_destination(desk, reason, *basis, citation)
    })
}

fn still_missing(survey: &Survey<'_>) -> String {
    if survey.missing.is_empty() {
        return String::new();
    }
    let fields = survey
        .missing
        .iter()
        .map(|pointer| pointer.trim_start_matches('/').replace('/', "."));
    format!(
        " Still to be given there: {}.",
        fields.collect::<Vec<_>>().join(", ")
    )
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

/// One list for a request that no desk takes and that named none. What one desk refuses is without a
/// place only if no other desk is still open to the request.
pub(super) fn merge(compared: &[DeskDecision]) -> Placement {
    let mut placement = Placement::default();
    // in every desk's own list support comes first, so it does here too
    let all = || compared.iter().flat_map(|decision| &decision.destinations);
    for kind in [DestinationKind::Channel, DestinationKind::Desk] {
        all()
            .filter(|place| place.kind == kind)
            .for_each(|place| placement.add(place.clone()));
    }
    let refuses = |decision: &DeskDecision| {
        decision
            .rules
            .iter()
            .any(|rule| rule.outcome == Outcome::Fail && !rule.waived)
    };
    if compared.iter().all(refuses) {
        for part in compared.iter().flat_map(|decision| &decision.unplaced) {
            let same = |other: &Unplaced| match &part.work {
                Some(work) => other.work.as_ref() == Some(work),
                None => other.rule == part.rule,
            };
            if !placement.unplaced.iter().any(same) {
                placement.unplaced.push(part.clone());
            }
        }
    }
    placement
}

//! The catalogue as a document for people: which desk takes what, and where the rest goes.

use std::fmt::{self, Write as _};

use super::{
    Catalogue, Check, Comparison, Condition, Desk, Handover, Labelled, PartnerFact, Route, Rule,
};

/// The desks, their rules, the routing and the channels as Markdown.
pub fn rules_document(catalogue: &Catalogue) -> String {
    let mut text = String::new();
    // writing into a String cannot fail
    let _ = write(&mut text, catalogue);
    text
}

fn write(out: &mut String, catalogue: &Catalogue) -> fmt::Result {
    writeln!(out, "# Rules of the desks\n")?;
    writeln!(
        out,
        "Written from the built-in catalogue by a test; do not edit. Every rule names the section of the \
         source page, *Partner Support Plans*, that it comes from, and whether the page states it or it is \
         inferred from the page."
    )?;
    for desk in catalogue.desks() {
        write_desk(out, catalogue, desk)?;
    }
    write_work(out, catalogue)?;
    write_support(out, catalogue)?;
    write_handovers(out, catalogue)?;
    writeln!(out, "\n## Channels\n")?;
    header(out, &["channel", "purpose", "address", "citation"])?;
    for channel in catalogue.channels() {
        let address = channel.address.as_deref().unwrap_or("none given");
        row(
            out,
            &[&channel.name, &channel.purpose, address, &channel.citation],
        )?;
    }
    writeln!(out, "\n## Time\n")?;
    let expiry = catalogue.expiry();
    writeln!(
        out,
        "A request that nobody moves expires after {} days as a draft, {} days while facts are wanted, and \
         {} days on the waiting list ({}).",
        expiry.draft, expiry.action_required, expiry.accepted, expiry.basis
    )
}

fn write_desk(out: &mut String, catalogue: &Catalogue, desk: &Desk) -> fmt::Result {
    writeln!(out, "\n## {} (`{}`)\n", desk.name, desk.id)?;
    writeln!(out, "{}\n", desk.summary)?;
    let services = desk.services.iter().filter_map(|id| catalogue.service(id));
    let services: Vec<&str> = services.map(|service| service.name.as_str()).collect();
    writeln!(out, "- Services: {}", services.join(", "))?;
    writeln!(out, "- References: `{}-<year>-<number>`", desk.prefix)?;
    writeln!(
        out,
        "- Address: {}",
        desk.address.as_deref().unwrap_or("none given")
    )?;
    if let Some(hours) = desk.logged_hours_at_most {
        writeln!(out, "- Hours that may be logged on one request: {hours}")?;
    }
    let sla = desk.sla;
    writeln!(
        out,
        "- Targets ({}): first response in {} business hours, decision in {}\n",
        sla.basis, sla.first_response_business_hours, sla.decision_business_hours
    )?;
    header(out, &["rule", "demands", "waivable", "basis", "citation"])?;
    for rule in &desk.rules {
        let demands = demands(catalogue, desk, rule);
        let waivable = if rule.waivable { "by a lead" } else { "no" };
        let id = format!("`{}`", rule.id);
        row(
            out,
            &[&id, &demands, waivable, rule.basis.as_str(), &rule.citation],
        )?;
    }
    Ok(())
}

/// What a rule demands, in words.
fn demands(catalogue: &Catalogue, desk: &Desk, rule: &Rule) -> String {
    let mut text = match &rule.check {
        Check::Service {} => format!("one of the {} services above", desk.services.len()),
        Check::Motion { allowed } => format!("the motion is {}", names(catalogue, allowed)),
        Check::Relationship { allowed } => {
            format!("the person asking is: {}", names(catalogue, allowed))
        }
        Check::Customer { accepts } => {
            format!(
                "a {}; a named one has agreed to be named",
                names(catalogue, accepts)
            )
        }
        Check::ExcludedWork { terms } => format!("none of this: {}", work_names(catalogue, terms)),
        Check::Hours { comparison, hours } => match comparison {
            Comparison::LessThan => format!("an estimate of less than {hours} hours"),
            Comparison::AtMost => format!("an estimate of at most {hours} hours"),
        },
        Check::PartnerFact { fact } => match fact {
            PartnerFact::Member => "the partner is a member of the partner network".to_owned(),
            PartnerFact::PartnerCenterAccess => "access to Partner Center".to_owned(),
        },
        Check::PartnerId {
            fewest_digits,
            most_digits,
        } => {
            format!("an MPN id of {fewest_digits} to {most_digits} digits")
        }
        Check::Delivery { allowed } => format!("given {}", names(catalogue, allowed)),
        Check::DealLimit { most } => format!("a partner's first {most} deals in a solution area"),
        Check::SplitNeed { hours, within_days } => format!(
            "warns when requests of the last {within_days} days for one need come to {hours} hours"
        ),
        Check::SimilarOpen {} => {
            "warns when the same service is open for the same customer".to_owned()
        }
        Check::Wording { categories } => {
            let known = catalogue
                .wordings()
                .iter()
                .filter(|it| categories.contains(&it.id));
            let known: Vec<&str> = known.map(|wording| wording.name.as_str()).collect();
            format!("warns when the text sounds like {}", known.join(", "))
        }
        Check::StatedProblem {} => "warns when a service problem is stated".to_owned(),
    };
    if !rule.services.is_empty() {
        let services = rule.services.iter().filter_map(|id| catalogue.service(id));
        let services: Vec<&str> = services.map(|service| service.name.as_str()).collect();
        text.push_str(&format!(" (only for {})", services.join(", ")));
    }
    text
}

fn write_work(out: &mut String, catalogue: &Catalogue) -> fmt::Result {
    writeln!(out, "\n## Work that a request declares\n")?;
    let desks: Vec<String> = catalogue
        .desks()
        .iter()
        .map(|desk| format!("`{}`", desk.id))
        .collect();
    let mut columns = vec!["work"];
    columns.extend(desks.iter().map(String::as_str));
    columns.extend(["where it belongs when refused", "basis", "citation"]);
    header(out, &columns)?;
    for work in catalogue.all_work() {
        let taken_over = catalogue
            .handovers()
            .iter()
            .any(|handover| handover.work.contains(&work.id));
        let place = match &work.route {
            Route::Support => "support routing",
            Route::Channel(id) => catalogue.channel(id).map_or(id, |channel| &channel.name),
            Route::Nowhere if taken_over => "another desk, where it would take it; else nowhere",
            Route::Nowhere => "nowhere: the page names no place",
        };
        let mut cells = vec![work.name.as_str()];
        cells.extend(catalogue.desks().iter().map(|desk| {
            let refused = desk.rules.iter().any(|rule| match &rule.check {
                Check::ExcludedWork { terms } => terms.contains(&work.id),
                _ => false,
            });
            if refused { "refused" } else { "" }
        }));
        cells.extend([place, work.basis.as_str(), &work.citation]);
        row(out, &cells)?;
    }
    Ok(())
}

fn write_support(out: &mut String, catalogue: &Catalogue) -> fmt::Result {
    writeln!(out, "\n## Support routing\n")?;
    writeln!(out, "The first row that applies counts.\n")?;
    header(out, &["", "when", "channel", "also", "basis", "citation"])?;
    let name = |id: &str| {
        catalogue
            .channel(id)
            .map_or(id.to_owned(), |it| it.name.clone())
    };
    for (index, line) in catalogue.support_routing().iter().enumerate() {
        let also: Vec<String> = line
            .also
            .iter()
            .map(|also| {
                format!(
                    "{}, when {}",
                    name(&also.channel),
                    when(catalogue, &also.when)
                )
            })
            .collect();
        row(
            out,
            &[
                &(index + 1).to_string(),
                &when(catalogue, &line.when),
                &name(&line.channel),
                &also.join("; "),
                line.basis.as_str(),
                &line.citation,
            ],
        )?;
    }
    Ok(())
}

fn write_handovers(out: &mut String, catalogue: &Catalogue) -> fmt::Result {
    writeln!(out, "\n## From desk to desk\n")?;
    writeln!(
        out,
        "Only to a desk of which no rule fails. Any other desk that takes a request exactly as it stands is offered too.\n"
    )?;
    header(
        out,
        &["from", "what is refused", "when", "to", "basis", "citation"],
    )?;
    for handover in catalogue.handovers() {
        let Handover {
            from,
            to,
            motion,
            work,
            when: condition,
            basis,
            citation,
            ..
        } = handover;
        let from = if from.is_empty() {
            "every desk".to_owned()
        } else {
            from.join(", ")
        };
        let refused = match motion {
            Some(motion) => format!("{} as the motion", catalogue.label(*motion)),
            None => work_names(catalogue, work),
        };
        row(
            out,
            &[
                &from,
                &refused,
                &when(catalogue, condition),
                to,
                basis.as_str(),
                citation,
            ],
        )?;
    }
    Ok(())
}

/// A condition in words.
fn when(catalogue: &Catalogue, condition: &Condition) -> String {
    let Condition {
        relationship,
        involves,
        motion,
        customer_kind,
        contract,
        support_plan,
        problem_kind,
        csp,
        member,
    } = condition;
    let mut parts = Vec::new();
    let mut listed = |what: &str, words: String| {
        if !words.is_empty() {
            parts.push(format!("{what} {words}"));
        }
    };
    listed("the person asking is:", names(catalogue, relationship));
    listed("it involves", work_names(catalogue, involves));
    listed("the motion is", names(catalogue, motion));
    listed("the customer is a", names(catalogue, customer_kind));
    listed("the customer has", names(catalogue, contract));
    listed("the partner has", names(catalogue, support_plan));
    let problems = problem_kind
        .iter()
        .filter_map(|id| catalogue.problem_kind(id));
    let problems: Vec<String> = problems.map(|kind| format!("\"{}\"", kind.name)).collect();
    listed("the stated problem is", problems.join(" or "));
    for (fact, what) in [
        (csp, "a CSP partner"),
        (member, "a member of the partner network"),
    ] {
        listed(
            "the partner is",
            match fact {
                Some(true) => what.to_owned(),
                Some(false) => format!("not {what}"),
                None => String::new(),
            },
        );
    }
    if parts.is_empty() {
        "always".to_owned()
    } else {
        parts.join(", and ")
    }
}

/// Names of words, as in "a, b or c".
fn names<W: Labelled>(catalogue: &Catalogue, words: &[W]) -> String {
    let names: Vec<&str> = words.iter().map(|word| catalogue.label(*word)).collect();
    match names.as_slice() {
        [before @ .., one, last] if !before.is_empty() => {
            format!("{}, {one} or {last}", before.join(", "))
        }
        few => few.join(" or "),
    }
}

fn work_names(catalogue: &Catalogue, ids: &[String]) -> String {
    let names = ids
        .iter()
        .filter_map(|id| catalogue.work(id))
        .map(|work| work.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

fn header(out: &mut String, columns: &[&str]) -> fmt::Result {
    row(out, columns)?;
    row(out, &vec!["---"; columns.len()])
}

fn row(out: &mut String, cells: &[&str]) -> fmt::Result {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(out, "| {} |", cells.join(" | "))
}

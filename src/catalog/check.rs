//! What a catalogue has to hold beyond being readable: every fault of a file, each with its line.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::faults::Fault;
use super::model::{Check, Condition, Route, Rule, Work};
use super::read::{At, Contents, DeskEntry};
use super::wording;

/// More hours than anybody means: a longer number is a slip of the finger.
const MOST_HOURS: f64 = 10_000.0;
/// Ten years of days.
const MOST_DAYS: u32 = 3650;
/// The kinds of rule without which a desk would take anything from anybody.
const NEEDED: [&str; 3] = ["service", "relationship", "customer"];

pub(super) fn check(contents: &Contents) -> Vec<Fault> {
    let mut checker = Checker {
        contents,
        faults: Vec::new(),
    };
    checker.vocabularies();
    checker.support_routing();
    checker.handovers();
    checker.settings();
    checker.desks();
    checker.faults
}

struct Checker<'a> {
    contents: &'a Contents,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn fault(&mut self, path: &str, message: impl Display) {
        let line = self.contents.places.line(path);
        self.faults.push(Fault {
            line,
            column: None,
            message: message.to_string(),
        });
    }

    fn vocabularies(&mut self) {
        let contents = self.contents;
        self.ids(
            "service",
            contents.services.iter().map(|at| (&at.path, &at.item.id)),
        );
        self.ids(
            "work",
            contents.work.iter().map(|at| (&at.path, &at.item.id)),
        );
        self.ids(
            "problem kind",
            contents
                .problem_kinds
                .iter()
                .map(|at| (&at.path, &at.item.id)),
        );
        self.ids(
            "solution area",
            contents
                .solution_areas
                .iter()
                .map(|at| (&at.path, &at.item.id)),
        );
        self.ids(
            "channel",
            contents.channels.iter().map(|at| (&at.path, &at.item.id)),
        );
        self.ids(
            "wording",
            contents.wordings.iter().map(|at| (&at.path, &at.item.id)),
        );
        self.ids(
            "desk",
            contents
                .desks
                .iter()
                .map(|at| (&at.desk.path, &at.desk.item.id)),
        );
        for (list, is_empty) in [
            ("services", contents.services.is_empty()),
            ("channels", contents.channels.is_empty()),
            ("support_routing", contents.support_routing.is_empty()),
            ("desks", contents.desks.is_empty()),
        ] {
            if is_empty {
                self.fault(
                    list,
                    format!("there has to be at least one entry [[{list}]]"),
                );
            }
        }
        for At { path, item } in &contents.services {
            self.texts(
                path,
                "service",
                &item.id,
                &[("name", &item.name), ("summary", &item.summary)],
            );
            let offers = |desk: &DeskEntry| desk.desk.item.services.contains(&item.id);
            if !contents.desks.iter().any(offers) && contents.places.unread.is_empty() {
                let message = format!("service \"{}\" is offered by no desk", item.id);
                self.fault(&format!("{path}.id"), message);
            }
        }
        for (what, terms) in [
            ("problem kind", &contents.problem_kinds),
            ("solution area", &contents.solution_areas),
        ] {
            for At { path, item } in terms {
                self.texts(path, what, &item.id, &[("name", &item.name)]);
            }
        }
        for At { path, item } in &contents.channels {
            let texts = [
                ("name", &item.name),
                ("purpose", &item.purpose),
                ("citation", &item.citation),
            ];
            self.texts(path, "channel", &item.id, &texts);
        }
        for At { path, item } in &contents.work {
            let texts = [
                ("name", &item.name),
                ("reason", &item.reason),
                ("citation", &item.citation),
            ];
            self.texts(path, "work", &item.id, &texts);
            if let Route::Channel(channel) = &item.route {
                let whose = format!("work \"{}\"", item.id);
                self.known_channel(&format!("{path}.route"), &whose, channel);
            }
        }
        for At { path, item } in &contents.wordings {
            let whose = format!("wording \"{}\"", item.id);
            self.texts(path, "wording", &item.id, &[("name", &item.name)]);
            self.filled(
                &format!("{path}.phrases"),
                &whose,
                "phrases",
                item.phrases.len(),
            );
            for (key, phrases) in [("phrases", &item.phrases), ("unless", &item.unless)] {
                for (index, phrase) in phrases.iter().enumerate() {
                    if let Err(reason) = wording::parse(phrase) {
                        let message = format!("{whose}: the phrase \"{phrase}\" {reason}");
                        self.fault(&format!("{path}.{key}[{index}]"), message);
                    }
                }
            }
        }
    }

    fn support_routing(&mut self) {
        let rows = &self.contents.support_routing;
        for (index, At { path, item }) in rows.iter().enumerate() {
            let whose = format!("support routing to \"{}\"", item.channel);
            self.known_channel(&format!("{path}.channel"), "support routing", &item.channel);
            self.condition(&format!("{path}.when"), &whose, &item.when);
            let texts = [("reason", &item.reason), ("citation", &item.citation)];
            self.texts(path, "support routing to", &item.channel, &texts);
            for (nth, note) in item.notes.iter().enumerate() {
                let path = format!("{path}.notes[{nth}]");
                self.condition(&format!("{path}.when"), &whose, &note.when);
                self.texts(&path, "note to", &item.channel, &[("text", &note.text)]);
            }
            for (nth, also) in item.also.iter().enumerate() {
                let path = format!("{path}.also[{nth}]");
                self.known_channel(&format!("{path}.channel"), &whose, &also.channel);
                self.condition(&format!("{path}.when"), &whose, &also.when);
                let texts = [("reason", &also.reason), ("citation", &also.citation)];
                self.texts(&path, "support routing also to", &also.channel, &texts);
            }
            let (last, always) = (index + 1 == rows.len(), item.when == Condition::default());
            if last && !always {
                self.fault(
                    path,
                    format!("{whose}: the last row has to apply always, without [when]"),
                );
            }
            if !last && always {
                self.fault(
                    path,
                    format!("{whose} applies always, so no row after it is ever reached"),
                );
            }
        }
    }

    fn handovers(&mut self) {
        for At { path, item } in &self.contents.handovers {
            let whose = format!("handover to \"{}\"", item.to);
            for (key, desk) in item
                .from
                .iter()
                .map(|desk| ("from", desk))
                .chain([("to", &item.to)])
            {
                self.known_desk(&format!("{path}.{key}"), "handover", desk);
            }
            if item.from.contains(&item.to) {
                self.fault(
                    &format!("{path}.from"),
                    format!("{whose} leads from the desk to itself"),
                );
            }
            match (item.motion, item.work.is_empty()) {
                (None, true) => {
                    self.fault(path, format!("{whose} needs either \"motion\" or \"work\""));
                }
                (Some(_), false) => {
                    self.fault(path, format!("{whose} has both \"motion\" and \"work\""));
                }
                (Some(_), true) | (None, false) => {}
            }
            self.known_work(&format!("{path}.work"), &whose, &item.work);
            self.condition(&format!("{path}.when"), &whose, &item.when);
            let texts = [("reason", &item.reason), ("citation", &item.citation)];
            self.texts(path, "handover to", &item.to, &texts);
        }
    }

    fn settings(&mut self) {
        if let Some(expiry) = self.contents.expiry {
            let days = [
                ("draft", expiry.draft),
                ("action_required", expiry.action_required),
                ("accepted", expiry.accepted),
            ];
            for (key, days) in days {
                let path = format!("expiry_days.{key}");
                self.days(&path, &format!("expiry_days: \"{key}\""), days);
            }
        }
        if let Some(labels) = &self.contents.labels {
            for (vocabulary, word, label) in labels.words() {
                if label.is_none_or(|label| label.trim().is_empty()) {
                    let message = format!("labels: \"{vocabulary}\" has no name for \"{word}\"");
                    self.fault(&format!("labels.{vocabulary}.{word}"), message);
                }
            }
        }
    }

    fn desks(&mut self) {
        let (mut prefixes, mut rule_ids) = (BTreeSet::new(), BTreeSet::new());
        for DeskEntry {
            desk: At { path, item: desk },
            rules,
            unread_kinds,
        } in &self.contents.desks
        {
            let whose = format!("desk \"{}\"", desk.id);
            let texts = [
                ("name", &desk.name),
                ("summary", &desk.summary),
                ("citation", &desk.citation),
            ];
            self.texts(path, "desk", &desk.id, &texts);
            if !is_prefix(&desk.prefix) {
                let rule = "has to be two to five capital letters";
                let message = format!("{whose}: the prefix \"{}\" {rule}", desk.prefix);
                self.fault(&format!("{path}.prefix"), message);
            }
            if !prefixes.insert(&desk.prefix) {
                let message = format!(
                    "{whose}: the prefix \"{}\" is another desk's already",
                    desk.prefix
                );
                self.fault(&format!("{path}.prefix"), message);
            }
            self.filled(
                &format!("{path}.services"),
                &whose,
                "services",
                desk.services.len(),
            );
            self.known_services(&format!("{path}.services"), &whose, &desk.services);
            if let Some(hours) = desk.logged_hours_at_most {
                self.hours(&format!("{path}.logged_hours_at_most"), &whose, hours);
            }
            let (response, decision) = (
                desk.sla.first_response_business_hours,
                desk.sla.decision_business_hours,
            );
            if response == 0 || decision < response || f64::from(decision) > MOST_HOURS {
                let message = format!(
                    "{whose}: sla: the first response ({response} h) has to be at least one hour \
                     and the decision ({decision} h) no sooner, within {MOST_HOURS} hours"
                );
                self.fault(&format!("{path}.sla"), message);
            }
            for At { path, item: rule } in rules {
                if !rule_ids.insert(&rule.id) {
                    let message = format!("{whose}: the rule id \"{}\" is taken already", rule.id);
                    self.fault(&format!("{path}.id"), message);
                }
                self.rule(path, &desk.id, &desk.services, rule);
            }
            let has = |kind: &str| {
                unread_kinds.iter().any(|unread| unread == kind)
                    || rules.iter().any(|rule| rule.item.check.kind() == kind)
            };
            for kind in NEEDED {
                if !has(kind) {
                    self.fault(
                        &format!("{path}.id"),
                        format!("{whose} needs a rule of kind \"{kind}\""),
                    );
                }
            }
            self.refused_terms(path, &whose, rules, unread_kinds);
        }
    }

    /// No kind of work is refused twice, and what must not be kept is refused by every desk.
    fn refused_terms(&mut self, path: &str, whose: &str, rules: &[At<Rule>], unread: &[String]) {
        let mut refused: BTreeSet<&str> = BTreeSet::new();
        for At { path, item: rule } in rules {
            let Check::ExcludedWork { terms } = &rule.check else {
                continue;
            };
            for (index, term) in terms.iter().enumerate() {
                if !refused.insert(term) {
                    let message = format!("{whose}: rule \"{}\" refuses \"{term}\" again", rule.id);
                    self.fault(&format!("{path}.terms[{index}]"), message);
                }
            }
        }
        let secret = |work: &&At<Work>| work.item.withhold_description;
        for At { item: work, .. } in self.contents.work.iter().filter(secret) {
            if !refused.contains(work.id.as_str())
                && !unread.iter().any(|kind| kind == "excluded_work")
            {
                let message = format!(
                    "{whose} has to refuse \"{}\" in a rule of kind \"excluded_work\": its description is \
                     withheld, so no desk can work it",
                    work.id
                );
                self.fault(&format!("{path}.id"), message);
            }
        }
    }

    fn rule(&mut self, path: &str, desk: &str, offered: &[String], rule: &Rule) {
        let whose = format!("desk \"{desk}\": rule \"{}\"", rule.id);
        let key = |key: &str| format!("{path}.{key}");
        let name = rule
            .id
            .strip_prefix(desk)
            .and_then(|rest| rest.strip_prefix('.'));
        if !name.is_some_and(|name| name.split('.').all(is_id)) {
            self.fault(
                &key("id"),
                format!("{whose}: its id has to begin with \"{desk}.\""),
            );
        }
        self.texts(
            path,
            &format!("desk \"{desk}\": rule"),
            &rule.id,
            &[("citation", &rule.citation)],
        );
        self.known_services(&key("services"), &whose, &rule.services);
        for (index, service) in rule.services.iter().enumerate() {
            if self.knows_service(service) && !offered.contains(service) {
                let message = format!("{whose} names \"{service}\", which the desk does not offer");
                self.fault(&format!("{path}.services[{index}]"), message);
            }
        }
        if rule.waivable && !rule.check.may_be_waivable() {
            let kind = rule.check.kind();
            self.fault(
                &key("waivable"),
                format!("{whose}: kind \"{kind}\" can never be waived"),
            );
        }
        match &rule.check {
            Check::Service {} | Check::SimilarOpen {} | Check::StatedProblem {} => {}
            Check::PartnerFact { fact: _ } => {}
            Check::Motion { allowed } => {
                self.filled(&key("allowed"), &whose, "allowed", allowed.len())
            }
            Check::Relationship { allowed } => {
                self.filled(&key("allowed"), &whose, "allowed", allowed.len());
            }
            Check::Delivery { allowed } => {
                self.filled(&key("allowed"), &whose, "allowed", allowed.len());
            }
            Check::Customer { accepts } => {
                self.filled(&key("accepts"), &whose, "accepts", accepts.len());
            }
            Check::ExcludedWork { terms } => {
                self.filled(&key("terms"), &whose, "terms", terms.len());
                self.known_work(&key("terms"), &whose, terms);
                let secret =
                    |at: &&At<Work>| at.item.withhold_description && terms.contains(&at.item.id);
                if let Some(work) = self.contents.work.iter().find(secret)
                    && rule.waivable
                {
                    let message = format!(
                        "{whose}: a refusal of \"{}\" can never be waived",
                        work.item.id
                    );
                    self.fault(&key("waivable"), message);
                }
            }
            Check::Hours {
                comparison: _,
                hours,
            } => self.hours(&key("hours"), &whose, *hours),
            Check::PartnerId {
                fewest_digits,
                most_digits,
            } => {
                if *fewest_digits == 0 || fewest_digits > most_digits || *most_digits > 20 {
                    let message = format!(
                        "{whose}: digits have to be from 1 to 20, the fewest first; \
                         here {fewest_digits} to {most_digits}"
                    );
                    self.fault(&key("fewest_digits"), message);
                }
            }
            Check::DealLimit { most } => {
                if *most == 0 || *most > 1000 {
                    self.fault(
                        &key("most"),
                        format!("{whose}: \"most\" has to be from 1 to 1000"),
                    );
                }
                self.filled(&key("services"), &whose, "services", rule.services.len());
            }
            Check::SplitNeed { hours, within_days } => {
                self.hours(&key("hours"), &whose, *hours);
                self.days(
                    &key("within_days"),
                    &format!("{whose}: \"within_days\""),
                    *within_days,
                );
            }
            Check::Wording { categories } => {
                self.filled(&key("categories"), &whose, "categories", categories.len());
                for (index, id) in categories.iter().enumerate() {
                    let known = self.contents.wordings.iter().any(|at| at.item.id == *id);
                    self.known(
                        known,
                        &format!("{path}.categories[{index}]"),
                        &whose,
                        "wording",
                        id,
                    );
                }
            }
        }
    }

    fn condition(&mut self, path: &str, whose: &str, condition: &Condition) {
        self.known_work(&format!("{path}.involves"), whose, &condition.involves);
        for (index, id) in condition.problem_kind.iter().enumerate() {
            let known = self
                .contents
                .problem_kinds
                .iter()
                .any(|at| at.item.id == *id);
            self.known(
                known,
                &format!("{path}.problem_kind[{index}]"),
                whose,
                "problem kind",
                id,
            );
        }
    }

    fn ids<'i>(&mut self, what: &str, ids: impl Iterator<Item = (&'i String, &'i String)>) {
        let mut seen = BTreeSet::new();
        for (path, id) in ids {
            let path = format!("{path}.id");
            if !is_id(id) {
                let form = "has to be small letters, digits and underscores, a letter first";
                self.fault(&path, format!("{what} \"{id}\": an id {form}"));
            }
            if !seen.insert(id) {
                self.fault(&path, format!("{what} \"{id}\" is there twice"));
            }
        }
    }

    fn texts(&mut self, path: &str, what: &str, id: &str, texts: &[(&str, &String)]) {
        for (key, text) in texts {
            if text.trim().is_empty() {
                self.fault(
                    &format!("{path}.{key}"),
                    format!("{what} \"{id}\": \"{key}\" is empty"),
                );
            }
        }
    }

    fn filled(&mut self, path: &str, whose: &str, key: &str, entries: usize) {
        if entries == 0 {
            self.fault(path, format!("{whose}: the list \"{key}\" is empty"));
        }
    }

    fn hours(&mut self, path: &str, whose: &str, hours: f64) {
        // written so that "not a number" is refused too
        if !(hours > 0.0 && hours <= MOST_HOURS) {
            let message = format!("{whose}: {hours} hours is out of range (0 to {MOST_HOURS})");
            self.fault(path, message);
        }
    }

    fn days(&mut self, path: &str, whose: &str, days: u32) {
        if days == 0 || days > MOST_DAYS {
            self.fault(
                path,
                format!("{whose}: {days} days is out of range (1 to {MOST_DAYS})"),
            );
        }
    }

    fn knows_service(&self, id: &str) -> bool {
        self.contents.services.iter().any(|at| at.item.id == id)
    }

    fn known_services(&mut self, path: &str, whose: &str, ids: &[String]) {
        for (index, id) in ids.iter().enumerate() {
            let place = format!("{path}[{index}]");
            self.known(self.knows_service(id), &place, whose, "service", id);
            self.once(ids, index, &place, whose);
        }
    }

    fn known_work(&mut self, path: &str, whose: &str, ids: &[String]) {
        for (index, id) in ids.iter().enumerate() {
            let known = self.contents.work.iter().any(|at| at.item.id == *id);
            let place = format!("{path}[{index}]");
            self.known(known, &place, whose, "work", id);
        }
    }

    fn known_channel(&mut self, path: &str, whose: &str, id: &str) {
        let known = self.contents.channels.iter().any(|at| at.item.id == id);
        self.known(known, path, whose, "channel", id);
    }

    fn known_desk(&mut self, path: &str, whose: &str, id: &str) {
        let known = self.contents.desks.iter().any(|at| at.desk.item.id == id);
        self.known(known, path, whose, "desk", id);
    }

    fn known(&mut self, known: bool, path: &str, whose: &str, what: &str, id: &str) {
        if !known && !self.contents.places.unread.contains(id) {
            self.fault(path, format!("{whose} names the unknown {what} \"{id}\""));
        }
    }

    fn once(&mut self, ids: &[String], index: usize, path: &str, whose: &str) {
        if ids[..index].contains(&ids[index]) {
            self.fault(path, format!("{whose} names \"{}\" twice", ids[index]));
        }
    }
}

fn is_id(text: &str) -> bool {
    text.len() <= 60
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_prefix(text: &str) -> bool {
    (2..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase())
}

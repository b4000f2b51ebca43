//! What is asked for, and by whom.

use engagement_desk::domain::lifecycle::State;
use engagement_desk::store::requests::{Filter, Visibility};

pub(super) fn own(subject: &str, partners: &[&str]) -> Visibility {
    Visibility::Own {
        subject: subject.to_owned(),
        partners: partners.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn at(desks: &[&str]) -> Visibility {
    Visibility::AtDesks(desks.iter().map(ToString::to_string).collect())
}

pub(super) fn filter(change: impl FnOnce(&mut Filter)) -> Filter {
    let mut filter = Filter::default();
    change(&mut filter);
    filter
}

pub(super) fn time(text: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    Some(text.parse().unwrap())
}

pub(super) const OPEN: &[State] = &[
    State::Submitted,
    State::InReview,
    State::ActionRequired,
    State::Accepted,
    State::Scheduled,
    State::InProgress,
    State::OnHold,
];

/// Every filter alone, with common and with rare values.
pub(super) fn single_filters() -> Vec<Filter> {
    let text = |text: &str| Some(text.to_owned());
    vec![
        Filter::default(),
        filter(|f| f.desk = text("pad")),
        filter(|f| f.desk = text("new")),
        filter(|f| f.states = vec![State::OnHold]),
        filter(|f| f.states = vec![State::Completed]),
        filter(|f| f.states = OPEN.to_vec()),
        filter(|f| f.states = State::ALL.to_vec()),
        filter(|f| f.service = text("service_3")),
        filter(|f| f.service = text("hackathon")),
        filter(|f| f.partner = text("1000000")),
        filter(|f| f.partner = text("1000123")),
        filter(|f| f.customer = text("CUSTOMER 4711")),
        filter(|f| f.assignee = text("architect 17")),
        filter(|f| f.assignee = text("architect 300")),
        filter(|f| f.requested_by = text("owner-5@example.com")),
        filter(|f| f.words = text("azure")),
        filter(|f| f.words = text("quokka")),
        filter(|f| f.words = text("\"landing zone\" 4711")),
        filter(|f| f.created_from = time("2026-06-01T00:00:00Z")),
        filter(|f| f.created_before = time("2021-03-01T00:00:00Z")),
        filter(|f| {
            f.created_from = time("2023-01-01T00:00:00Z");
            f.created_before = time("2023-01-02T00:00:00Z");
        }),
        filter(|f| f.updated_from = time("2026-06-01T00:00:00Z")),
        filter(|f| f.updated_before = time("2021-03-01T00:00:00Z")),
    ]
}

/// What dashboards, desks and requesters ask for again and again.
pub(super) fn typical_pairs() -> Vec<Filter> {
    let text = |text: &str| Some(text.to_owned());
    let mut pairs = Vec::new();
    for desk in ["pad", "new"] {
        pairs.extend([
            filter(|f| (f.desk, f.states) = (text(desk), OPEN.to_vec())),
            filter(|f| (f.desk, f.states) = (text(desk), vec![State::Completed])),
            filter(|f| (f.desk, f.states) = (text(desk), vec![State::OnHold])),
            filter(|f| (f.desk, f.service) = (text(desk), text("service_3"))),
            filter(|f| (f.desk, f.assignee) = (text(desk), text("Architect 17"))),
            filter(|f| (f.desk, f.words) = (text(desk), text("azure"))),
        ]);
    }
    for words in ["azure", "workloads", "quokka"] {
        pairs.extend([
            filter(|f| (f.words, f.states) = (text(words), OPEN.to_vec())),
            filter(|f| (f.words, f.states) = (text(words), vec![State::OnHold])),
            filter(|f| (f.words, f.states) = (text(words), vec![State::Completed])),
        ]);
    }
    pairs.extend([
        filter(|f| (f.partner, f.customer) = (text("1000000"), text("Customer 4711"))),
        filter(|f| (f.partner, f.states) = (text("1000000"), OPEN.to_vec())),
        filter(|f| (f.assignee, f.states) = (text("Architect 17"), OPEN.to_vec())),
        filter(|f| (f.requested_by, f.states) = (text("owner-5@example.com"), OPEN.to_vec())),
        filter(|f| (f.service, f.states) = (text("service_3"), OPEN.to_vec())),
        filter(|f| (f.service, f.states) = (text("hackathon"), OPEN.to_vec())),
        filter(|f| (f.customer, f.assignee) = (text("Customer 4711"), text("Architect 300"))),
        filter(|f| {
            f.states = OPEN.to_vec();
            f.updated_from = time("2026-06-01T00:00:00Z");
        }),
        filter(|f| {
            f.states = vec![State::Completed];
            f.updated_from = time("2021-02-01T00:00:00Z");
            f.created_before = time("2021-02-10T00:00:00Z");
        }),
    ]);
    pairs
}

pub(super) fn visibilities() -> Vec<(&'static str, Visibility)> {
    vec![
        ("viewer or admin", Visibility::Everything),
        ("requester", own("owner-5@example.com", &[])),
        (
            "manager of partners",
            own(
                "owner-5@example.com",
                &["1000000", "1000123", "1000124", "none"],
            ),
        ),
        (
            "busy integration",
            Visibility::SubmittedBy("crm".to_owned()),
        ),
        (
            "idle integration",
            Visibility::SubmittedBy("form".to_owned()),
        ),
        ("member of one desk", at(&["pad"])),
        ("member of a small desk", at(&["new"])),
        ("member of all desks", at(&["pad", "gps", "tpd", "new"])),
        ("nobody", Visibility::Nothing),
    ]
}

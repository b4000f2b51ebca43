//! Columns that lists and counts look at. They say again what stands in the documents of a request, so that an index
//! can have it. Whoever writes a document draws them from it in the same statement, so that the two can't differ.

/// Columns that are drawn from the facts, each with how it is drawn, given to another macro.
macro_rules! from_facts {
    ($facts:literal, $then:ident) => {
        $then! {
            "service" = [$facts, " ->> 'service'"],
            "partner_mpn_id" = ["btrim(", $facts, " #>> '{partner,mpn_id}')"],
            "estimated_hours" = ["(", $facts, " ->> 'estimated_hours')::double precision"],
            "title" = [$facts, " ->> 'title'"],
            "priority" = [$facts, " ->> 'priority'"],
            "needed_by" = [$facts, " ->> 'needed_by'"],
            "partner_name" = [$facts, " #>> '{partner,name}'"],
            "customer_name" = [$facts, " #>> '{customer,name}'"],
        }
    };
}

macro_rules! names {
    ($($name:literal = $drawn:tt,)+) => { concat!($($name, ", ",)+) };
}

macro_rules! values {
    ($($name:literal = [$($part:literal),+],)+) => { concat!($($($part,)+ ", ",)+) };
}

macro_rules! assignments {
    ($($name:literal = [$($part:literal),+],)+) => { concat!($(", ", $name, " = ", $($part,)+)+) };
}

/// All such columns.
pub(super) const COLUMNS: &str = concat!(
    from_facts!("given.facts", names),
    "requester_name, assignee"
);

/// What stands in them, of the new request `given`.
pub(super) const VALUES: &str = concat!(
    from_facts!("given.facts", values),
    "given.requested_by ->> 'name', given.progress #>> '{assignee,name}'"
);

/// What to set as well where the facts become those of the row `facts`.
pub(super) const WITH_FACTS: &str = from_facts!("facts.facts", assignments);

/// What to set as well where the progress becomes that of the row `given`.
pub(super) const WITH_PROGRESS: &str = ", assignee = given.progress #>> '{assignee,name}'";

//! Where support is asked for: the first row of the support routing that applies.

use crate::catalog::SupportRow;
use crate::domain::decision::{Basis, Destination, DestinationKind};

use super::case::Reading;

/// The channel of the first row that applies, and those named beside it.
pub(super) fn route(reading: &Reading<'_>) -> Vec<Destination> {
    let rows = reading.catalogue.support_routing();
    let Some(row) = rows.iter().find(|row| reading.holds(&row.when)) else {
        return Vec::new();
    };
    let SupportRow {
        channel: id,
        when: _,
        reason,
        notes,
        also,
        basis,
        citation,
    } = row;
    let mut reason = reason.clone();
    for note in notes.iter().filter(|note| reading.holds(&note.when)) {
        reason.push(' ');
        reason.push_str(&note.text);
    }
    let also = also.iter().filter(|also| reading.holds(&also.when));
    channel(reading, id, reason, *basis, citation)
        .into_iter()
        .chain(also.filter_map(|also| {
            channel(
                reading,
                &also.channel,
                also.reason.clone(),
                also.basis,
                &also.citation,
            )
        }))
        .collect()
}

/// A channel as a destination.
pub(super) fn channel(
    reading: &Reading<'_>,
    id: &str,
    reason: String,
    basis: Basis,
    citation: &str,
) -> Option<Destination> {
    let channel = reading.catalogue.channel(id)?;
    Some(Destination {
        kind: DestinationKind::Channel,
        id: channel.id.clone(),
        name: channel.name.clone(),
        address: channel.address.clone(),
        reason,
        basis,
        citation: citation.to_owned(),
    })
}

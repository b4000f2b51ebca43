//! Numbers of references. They run on over desks and years, so that drawing one never waits for another
//! transaction.

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::columns::{ForEach, Raw, columns, to_place};
use super::{Connection, StoreError};

columns! {
    /// A number that is wanted.
    NumberRows of NumberRow {
        place: i64 => BigInt,
    }
}

/// So many numbers that nobody else was given, the lowest last.
///
/// # Errors
/// Where the database does not answer.
pub(super) async fn draw(
    mut connection: &Connection,
    how_many: usize,
) -> Result<Vec<i64>, StoreError> {
    if how_many == 0 {
        return Ok(Vec::new());
    }
    let rows: Vec<NumberRow> = (0..how_many)
        .map(|nth| NumberRow {
            place: to_place(nth),
        })
        .collect();
    let query = ForEach {
        columns: Raw::<BigInt>::new("nextval('request_numbers')"),
        given: NumberRows::of(&rows),
        rest: String::new(),
    };
    let mut drawn: Vec<(i64, i64)> = query.load(&mut connection).await?;
    drawn.sort_unstable_by(|one, other| other.cmp(one));
    Ok(drawn.into_iter().map(|(_, number)| number).collect())
}

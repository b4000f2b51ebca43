//! Which of its connections to Postgres the service uses.

use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use engagement_desk::store::{Connection, Plans, Store, StoreError};

use crate::support::db::TestDb;

/// The server process at the other end.
async fn server(connection: &mut Connection) -> Result<i32, StoreError> {
    let pid = diesel::select(diesel::dsl::sql::<Integer>("pg_backend_pid()"));
    Ok(pid.get_result(connection).await?)
}

#[test]
fn what_one_connection_can_do_is_not_spread_over_all() {
    let db = TestDb::fresh();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::new(&db.url, 6).unwrap();
        let read = || store.read(Plans::ForValues, server);
        let (inner, outer) = store
            .read(Plans::ForValues, async |connection: &mut Connection| {
                // Needs a second one, which is given back first.
                let inner = read().await?;
                Ok::<_, StoreError>((inner, server(connection).await?))
            })
            .await
            .unwrap();
        assert_ne!(inner, outer);
        for _ in 0..4 {
            assert_eq!(read().await.unwrap(), outer);
        }
    });
}

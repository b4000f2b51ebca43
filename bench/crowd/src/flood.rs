//! More connections than the service has room for, each asking again as soon as it is answered.

use serde_json::Value;
use tokio::time::Instant;

use crate::http::{Client, get, post};
use crate::tally::Tally;
use crate::{Failure, Setting, number, text, texts};

pub fn start(plan: &Value, setting: &Setting) -> Result<Tally, Failure> {
    let tally = Tally::default();
    let connections = usize::try_from(number(plan, "connections")?)?;
    let (key, run, paths) = (
        text(plan, "key")?,
        text(plan, "run")?,
        texts(plan, "paths")?,
    );
    let bodies = plan
        .get("bodies")
        .map(|_| texts(plan, "bodies"))
        .transpose()?;
    for connection in 0..connections {
        let (setting, tally) = (setting.clone(), tally.clone());
        let (paths, bodies) = (paths.clone(), bodies.clone());
        let (key, run) = (key.to_owned(), run.to_owned());
        tokio::task::spawn_local(async move {
            let mut client = Client::new(&setting.address);
            let mut turn = connection;
            while Instant::now() < setting.end {
                let path = &paths[turn % paths.len()];
                let request = match &bodies {
                    Some(bodies) => {
                        let once = format!("{run}-{connection}-{turn}");
                        post(path, &key, &once, &bodies[turn % bodies.len()])
                    }
                    None => get(path, &key, None),
                };
                let began = Instant::now();
                match client.send(&request).await {
                    Ok(answer) => tally.answered(answer.status, began.elapsed()),
                    Err(_) => tally.broken(),
                }
                turn += connections;
            }
        });
    }
    Ok(tally)
}

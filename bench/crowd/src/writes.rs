//! New requests at an even pace.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::http::{Client, post};
use crate::tally::Tally;
use crate::{Failure, Setting, number, text, texts};

pub fn start(plan: &Value, setting: &Setting) -> Result<Tally, Failure> {
    let tally = Tally::default();
    let rate = u32::try_from(number(plan, "per_second")?)?;
    let (path, key, run) = (text(plan, "path")?, text(plan, "key")?, text(plan, "run")?);
    let bodies = texts(plan, "bodies")?;
    let begin = Instant::now();
    // Each writer has a second for its answer before its next turn.
    for writer in 0..rate {
        let (setting, tally, bodies) = (setting.clone(), tally.clone(), bodies.clone());
        let (path, key, run) = (path.to_owned(), key.to_owned(), run.to_owned());
        let mut due = begin + Duration::from_secs(1) * writer / rate;
        tokio::task::spawn_local(async move {
            let mut client = Client::new(&setting.address);
            for turn in 0.. {
                if due >= setting.end {
                    return;
                }
                sleep_until(due).await;
                let body = &bodies[(turn * rate + writer) as usize % bodies.len()];
                let request = post(&path, &key, &format!("{run}-{writer}-{turn}"), body);
                match client.send(&request).await {
                    Ok(answer) => tally.answered(answer.status, due.elapsed()),
                    Err(_) => tally.broken(),
                }
                due += Duration::from_secs(1);
            }
        });
    }
    Ok(tally)
}

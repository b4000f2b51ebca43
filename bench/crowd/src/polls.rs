//! Dashboards: each asks for its requests one after the other, at an even pace, whatever the answers take.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::http::{Client, get};
use crate::tally::Tally;
use crate::{Failure, Setting, number, texts};

pub fn start(plan: &Value, setting: &Setting) -> Result<Tally, Failure> {
    let tally = Tally::default();
    let (dashboards, each) = (number(plan, "dashboards")?, number(plan, "requests_each")?);
    let period = Duration::from_millis(number(plan, "every_ms")?);
    let (keys, paths) = (texts(plan, "keys")?, texts(plan, "paths")?);
    let (pace, begin) = (period / u32::try_from(each)?, Instant::now());
    for dashboard in 0..usize::try_from(dashboards)? {
        let key = keys[dashboard % keys.len()].clone();
        let each = usize::try_from(each)?;
        let mine: Vec<String> = (0..each)
            .map(|place| paths[(dashboard * each + place) % paths.len()].clone())
            .collect();
        // They come one after the other, so that their connections do not all open at once.
        let first = begin
            + period.mul_f64(
                f64::from(u32::try_from(dashboard)?) / f64::from(u32::try_from(dashboards)?),
            );
        tokio::task::spawn_local(poll(setting.clone(), tally.clone(), key, mine, first, pace));
    }
    Ok(tally)
}

async fn poll(
    setting: Setting,
    tally: Tally,
    key: String,
    paths: Vec<String>,
    first: Instant,
    pace: Duration,
) {
    let mut client = Client::new(&setting.address);
    let mut tags: Vec<Option<String>> = vec![None; paths.len()];
    let mut due = first;
    for turn in (0..paths.len()).cycle() {
        if due >= setting.end {
            return;
        }
        sleep_until(due).await;
        match client
            .send(&get(&paths[turn], &key, tags[turn].as_deref()))
            .await
        {
            // From when it was due: what queues up behind a slow answer counts.
            Ok(answer) => {
                tally.answered(answer.status, due.elapsed());
                tags[turn] = answer.tag.or_else(|| tags[turn].take());
            }
            Err(_) => tally.broken(),
        }
        due += pace;
    }
}

//! `crowd <plan.json>`: makes the load that the plan describes and prints what came of it as JSON.
//!
//! A plan has an `address`, `seconds`, and the parts that are wanted:
//!
//! - `polls`: dashboards that ask for requests they know already, each at its own even pace;
//! - `streams`: clients that keep `GET /v1/events` open as an event stream;
//! - `writes`: so many new requests a second;
//! - `flood`: connections that ask again as soon as they are answered.

mod flood;
mod http;
mod polls;
mod streams;
mod tally;
mod writes;

use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::task::LocalSet;
use tokio::time::Instant;

type Failure = Box<dyn Error>;

/// What all parts share.
#[derive(Clone)]
pub struct Setting {
    pub address: Rc<str>,
    pub end: Instant,
}

/// Time for streams to open.
const OPENING: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("usage: crowd plan.json")?;
    let plan: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let local = LocalSet::new();
    let report = local.run_until(run(plan)).await?;
    println!("{}", Value::Object(report));
    Ok(())
}

async fn run(plan: Value) -> Result<Map<String, Value>, Failure> {
    let address: Rc<str> = text(&plan, "address")?.into();
    let lasting = Duration::from_secs(number(&plan, "seconds")?);
    // Streams are there before anything else happens, and until it is over.
    let streams = plan
        .get("streams")
        .map(|plan| {
            let end = Instant::now() + OPENING + lasting;
            let address = Rc::clone(&address);
            streams::start(plan, &Setting { address, end })
        })
        .transpose()?;
    if let Some(streams) = &streams {
        streams.opened(OPENING).await;
    }
    let end = Instant::now() + lasting;
    let setting = Setting { address, end };
    let polls = plan
        .get("polls")
        .map(|plan| polls::start(plan, &setting))
        .transpose()?;
    let writes = plan
        .get("writes")
        .map(|plan| writes::start(plan, &setting))
        .transpose()?;
    let flood = plan
        .get("flood")
        .map(|plan| flood::start(plan, &setting))
        .transpose()?;
    // Whoever still waits for an answer then is left alone.
    tokio::time::sleep_until(setting.end + Duration::from_secs(1)).await;
    let mut report = Map::new();
    let mut put = |name: &str, part: Option<Value>| {
        if let Some(part) = part {
            report.insert(name.to_owned(), part);
        }
    };
    put("polls", polls.map(|tally| tally.report()));
    put("streams", streams.map(|counts| counts.report()));
    put("writes", writes.map(|tally| tally.report()));
    put("flood", flood.map(|tally| tally.report()));
    Ok(report)
}

/// A number of the plan.
pub fn number(plan: &Value, name: &str) -> Result<u64, Failure> {
    plan[name]
        .as_u64()
        .ok_or_else(|| format!("{name} is no number").into())
}

/// A text of the plan.
pub fn text<'a>(plan: &'a Value, name: &str) -> Result<&'a str, Failure> {
    plan[name]
        .as_str()
        .ok_or_else(|| format!("{name} is no text").into())
}

/// A list of texts of the plan, with at least one in it.
pub fn texts(plan: &Value, name: &str) -> Result<Rc<[String]>, Failure> {
    let list = plan[name]
        .as_array()
        .ok_or_else(|| format!("{name} is no list"))?;
    let texts: Rc<[String]> = list
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect();
    if texts.is_empty() {
        return Err(format!("{name} is empty").into());
    }
    Ok(texts)
}

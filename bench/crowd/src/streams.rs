//! Clients that keep the feed open as an event stream.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout_at;

use crate::http::{connect, read_head, read_more, status};
use crate::{Failure, Setting, number, text, texts};

/// How many streams were opened, how many broke off, and how many events came.
#[derive(Clone, Default)]
pub struct Counts(Rc<Cells>);

#[derive(Default)]
struct Cells {
    opened: Cell<usize>,
    refused: Cell<usize>,
    broken: Cell<usize>,
    events: Cell<usize>,
}

impl Counts {
    pub fn report(&self) -> Value {
        json!({
            "opened": self.0.opened.get(),
            "refused": self.0.refused.get(),
            "broken": self.0.broken.get(),
            "events": self.0.events.get(),
        })
    }
}

fn add(cell: &Cell<usize>, more: usize) {
    cell.set(cell.get() + more);
}

pub fn start(plan: &Value, setting: &Setting) -> Result<Counts, Failure> {
    let counts = Counts::default();
    let (path, keys) = (text(plan, "path")?, texts(plan, "keys")?);
    for stream in 0..usize::try_from(number(plan, "count")?)? {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\
             Accept: text/event-stream\r\n\r\n",
            keys[stream % keys.len()]
        );
        let (setting, counts) = (setting.clone(), counts.clone());
        tokio::task::spawn_local(async move {
            let end = setting.end;
            // Time that is up is how a stream ends well.
            if let Ok(Err(_)) = timeout_at(end, follow(&setting, &counts, &request)).await {
                add(&counts.0.broken, 1);
            }
        });
    }
    Ok(counts)
}

async fn follow(setting: &Setting, counts: &Counts, request: &str) -> io::Result<()> {
    let mut stream = connect(&setting.address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let end = read_head(&mut stream, &mut buffer).await?;
    if status(&String::from_utf8_lossy(&buffer[..end]))? != 200 {
        add(&counts.0.refused, 1);
        return Ok(());
    }
    add(&counts.0.opened, 1);
    buffer.drain(..end);
    loop {
        // Every event has an id, and no heartbeat has one. A line may still be coming in.
        let complete = buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        let events = buffer[..complete]
            .split(|byte| *byte == b'\n')
            .filter(|line| line.starts_with(b"id:"))
            .count();
        add(&counts.0.events, events);
        buffer.drain(..complete);
        read_more(&mut stream, &mut buffer).await?;
    }
}

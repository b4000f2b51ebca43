//! Clients that keep the feed open as an event stream.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

use crate::http::{connect, read_head, read_more, status};
use crate::{Failure, Setting, number, text, texts};

/// A client that was refused tries again after this time.
const COMES_BACK: Duration = Duration::from_secs(1);

/// How many streams are open, how often one was refused or broke off, and how many events came.
#[derive(Clone, Default)]
pub struct Counts(Rc<Cells>);

#[derive(Default)]
struct Cells {
    wanted: Cell<usize>,
    open: Cell<usize>,
    refused: Cell<usize>,
    broken: Cell<usize>,
    events: Cell<usize>,
}

impl Counts {
    /// Waits until all are open, for so long at most.
    pub async fn opened(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.0.open.get() < self.0.wanted.get() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn report(&self) -> Value {
        json!({
            "open": self.0.open.get(),
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
    let wanted = usize::try_from(number(plan, "count")?)?;
    counts.0.wanted.set(wanted);
    for stream in 0..wanted {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\
             Accept: text/event-stream\r\n\r\n",
            keys[stream % keys.len()]
        );
        let (setting, counts) = (setting.clone(), counts.clone());
        tokio::task::spawn_local(async move {
            // Time that is up is how a stream ends well; until then a client comes back, as browsers do.
            let _ = timeout_at(setting.end, keep_open(&setting, &counts, &request)).await;
        });
    }
    Ok(counts)
}

async fn keep_open(setting: &Setting, counts: &Counts, request: &str) {
    loop {
        match open(setting, request).await {
            Ok((200, stream, rest)) => {
                add(&counts.0.open, 1);
                count_events(stream, rest, counts).await;
                counts.0.open.set(counts.0.open.get() - 1);
                add(&counts.0.broken, 1);
            }
            Ok(_) => add(&counts.0.refused, 1),
            Err(_) => add(&counts.0.broken, 1),
        }
        sleep(COMES_BACK).await;
    }
}

/// The status, the connection, and what came after the head.
async fn open(setting: &Setting, request: &str) -> io::Result<(u16, TcpStream, Vec<u8>)> {
    let mut stream = connect(&setting.address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let end = read_head(&mut stream, &mut buffer).await?;
    let status = status(&String::from_utf8_lossy(&buffer[..end]))?;
    buffer.drain(..end);
    Ok((status, stream, buffer))
}

/// Counts until the stream breaks off.
async fn count_events(mut stream: TcpStream, mut buffer: Vec<u8>, counts: &Counts) {
    loop {
        // Every event has an id, and no heartbeat has one. A line may still be coming in.
        let complete = buffer
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |place| place + 1);
        let events = buffer[..complete]
            .split(|byte| *byte == b'\n')
            .filter(|line| line.starts_with(b"id:"))
            .count();
        add(&counts.0.events, events);
        buffer.drain(..complete);
        if read_more(&mut stream, &mut buffer).await.is_err() {
            return;
        }
    }
}

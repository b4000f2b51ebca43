//! What a line of the log looks like. A line that is left while a request is answered names the request, always in the
//! same place. There is no span that would carry it: one for each request costs as much as the line itself.

use std::fmt;
use std::io;

use serde::ser::{SerializeMap, Serializer as _};
use tracing::{Event, Metadata, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_serde::{AsSerde, SerdeMapVisitor};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::current::Current;

/// As many bytes as most lines have.
const LINE: usize = 384;

/// One JSON object.
pub(super) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        // What libraries say by way of the crate `log` has its level and target among the fields.
        let normalized = event.normalized_metadata();
        let about = normalized.as_ref().unwrap_or_else(|| event.metadata());

        let mut line = Vec::with_capacity(LINE);
        write_object(&mut line, &timestamp, about, event).map_err(|_unwritable| fmt::Error)?;
        line.push(b'\n');
        writer.write_str(str::from_utf8(&line).map_err(|_not_text| fmt::Error)?)
    }
}

fn write_object(
    line: &mut Vec<u8>,
    timestamp: &str,
    about: &Metadata<'_>,
    event: &Event<'_>,
) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::new(line);
    let mut object = serializer.serialize_map(None)?;
    object.serialize_entry("timestamp", timestamp)?;
    object.serialize_entry("level", &about.level().as_serde())?;
    if let Some(Current {
        request_id,
        trace_id,
    }) = Current::get()
    {
        object.serialize_entry("request_id", request_id.as_str())?;
        if let Some(trace_id) = trace_id {
            object.serialize_entry("trace_id", &*trace_id)?;
        }
    }
    let mut fields = SerdeMapVisitor::new(object);
    event.record(&mut fields);
    let mut object = fields.take_serializer()?;
    object.serialize_entry("target", about.target())?;
    Ok(object.end()?)
}

/// What a line for people begins with.
pub(super) struct TimeAndRequest;

impl FormatTime for TimeAndRequest {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        SystemTime.format_time(writer)?;
        match Current::get() {
            Some(current) => write!(writer, " {}", current.request_id),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::current::RequestId;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn request() -> Current {
        Current {
            request_id: RequestId::given("abc").unwrap(),
            trace_id: Some("def".into()),
        }
    }

    /// What is written while this subscriber listens.
    fn written<S: Subscriber + Send + Sync + 'static>(
        subscriber: impl FnOnce(Kept) -> S,
        speak: impl FnOnce(),
    ) -> String {
        let kept = Kept::default();
        tracing::subscriber::with_default(subscriber(kept.clone()), speak);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_one_object_that_names_the_request_it_was_left_in() {
        let json = |kept| {
            let builder = tracing_subscriber::fmt().with_writer(kept);
            builder.event_format(JsonLine).finish()
        };
        let text = written(json, || {
            tracing::info!(target: "desk", count = 3, text = "\"\n", "one");
            request().sync_scope(|| tracing::warn!(error = %"bad", "two"));
        });
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let [one, two] = lines.as_slice() else {
            panic!("{text}");
        };
        assert_eq!(one["level"], "INFO");
        assert_eq!(one["message"], "one");
        assert_eq!(one["target"], "desk");
        assert_eq!(one["count"], 3);
        assert_eq!(one["text"], "\"\n");
        assert_eq!(one.get("request_id"), None);
        assert!(one["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(two["request_id"], "abc");
        assert_eq!(two["trace_id"], "def");
        assert_eq!(two["error"], "bad");
    }

    #[test]
    fn a_line_for_people_names_it_after_the_time() {
        let people = |kept| {
            let builder = tracing_subscriber::fmt().with_writer(kept);
            let builder = builder.with_ansi(false).compact();
            builder.with_timer(TimeAndRequest).finish()
        };
        let text = written(people, || {
            request().sync_scope(|| tracing::warn!("two"));
        });
        let (time, rest) = text.split_once(' ').unwrap();
        assert!(time.ends_with('Z'), "{text}");
        assert!(rest.starts_with("abc "), "{text}");
        assert!(rest.trim_end().ends_with("two"), "{text}");
    }
}

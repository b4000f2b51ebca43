//! Threads that serve requests write their lines in bunches: those of all who were answered in one turn of the thread
//! with one call to the system. Nothing is kept back beyond that turn, and what is wrong is written at once.

use std::cell::RefCell;
use std::io::{self, Stderr, Write};
use std::rc::Rc;

use tokio::sync::Notify;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// A bunch is written when it has so many bytes, however long the turn of its thread takes.
const ENOUGH: usize = 32 * 1024;

/// Writes the lines of this thread in bunches from now on, as long as its runtime runs: the one this is called in.
pub fn in_bunches_here() {
    let bunch = Rc::new(Bunch::new(io::stderr()));
    HERE.set(Some(Rc::clone(&bunch)));
    actix_web::rt::spawn(async move {
        loop {
            // Woken by the first line, it has its turn after all that was to be done before: they leave lines, too.
            bunch.begun.notified().await;
            bunch.write_out();
        }
    });
}

thread_local! {
    static HERE: RefCell<Option<Rc<Bunch<Stderr>>>> = const { RefCell::new(None) };
}

/// Lines of one thread that are not written yet.
struct Bunch<To: Write> {
    lines: RefCell<Vec<u8>>,
    begun: Notify,
    to: RefCell<To>,
}

impl<To: Write> Bunch<To> {
    fn new(to: To) -> Self {
        Self {
            lines: RefCell::default(),
            begun: Notify::new(),
            to: RefCell::new(to),
        }
    }

    fn add(&self, line: &[u8], is_urgent: bool) {
        let length = {
            let mut lines = self.lines.borrow_mut();
            if lines.is_empty() {
                self.begun.notify_one();
            }
            lines.extend_from_slice(line);
            lines.len()
        };
        if is_urgent || length >= ENOUGH {
            self.write_out();
        }
    }

    fn write_out(&self) {
        let mut lines = self.lines.borrow_mut();
        // There is nowhere to say that the log can't be written to.
        let _ = self.to.borrow_mut().write_all(&lines);
        lines.clear();
    }
}

impl<To: Write> Drop for Bunch<To> {
    fn drop(&mut self) {
        self.write_out();
    }
}

/// Where lines go.
pub(super) struct Lines;

/// Where one line goes.
pub(super) struct Line {
    is_urgent: bool,
}

impl MakeWriter<'_> for Lines {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line { is_urgent: true }
    }

    fn make_writer_for(&self, about: &Metadata<'_>) -> Line {
        Line {
            is_urgent: *about.level() <= Level::WARN,
        }
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A thread that ends has no bunch any more.
        let is_added = HERE.try_with(|here| {
            let here = here.borrow();
            here.as_ref().map(|bunch| bunch.add(line, self.is_urgent))
        });
        if let Ok(Some(())) = is_added {
            Ok(line.len())
        } else {
            io::stderr().write(line)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_in_their_order_and_at_once_with_one_that_is_urgent() {
        let mut written = Vec::new();
        let bunch = Bunch::new(&mut written);
        bunch.add(b"1\n", false);
        bunch.add(b"2\n", false);
        assert!(bunch.to.borrow().is_empty());
        bunch.add(b"3\n", true);
        assert_eq!(**bunch.to.borrow(), b"1\n2\n3\n");
        bunch.add(&[b'.'; ENOUGH], false);
        assert_eq!(bunch.to.borrow().len(), 6 + ENOUGH);
        bunch.add(b"5\n", false);
        drop(bunch);
        assert!(written.ends_with(b".5\n"));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_bunch_is_known_to_have_begun_once() {
        let bunch = Bunch::new(Vec::new());
        bunch.add(b"1\n", false);
        bunch.add(b"2\n", false);
        bunch.begun.notified().await;
        bunch.write_out();
        let again = tokio::time::timeout(std::time::Duration::ZERO, bunch.begun.notified());
        assert!(again.await.is_err());
    }
}

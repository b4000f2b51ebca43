//! What is to be written: requests and their lines of history, with all that goes with them, of one unit of work or of many.
//!
//! A change of a request and its line are taken down together, so there is none without the other.

use chrono::{DateTime, Datelike, Utc};
use uuid::Uuid;

use super::audit::Entry;
use super::column::Document;
use super::drawn::FactsRow;
use super::idempotency::{Answer, Key};
use super::rows::{AnswerRow, AuditRow, ChangedRow, Line, NewRow, TimeEntryRow, WordsRow};
use super::time_entries::TimeEntry;
use super::words;
use crate::domain::lifecycle::{Change, Event, NewRequest};
use crate::domain::request::{Progress, Request};

/// Who does something, as history keeps it.
#[derive(Clone, Debug)]
pub struct Who {
    /// Subject of the credential.
    pub subject: String,
    /// Name to show.
    pub name: String,
    /// Role of the credential, or `system`.
    pub role: String,
    /// Id of the credential.
    pub key_id: String,
    /// Subject of the person it is done for, where that is somebody else.
    pub on_behalf_of: Option<String>,
    /// Id of the HTTP request, or of the background run.
    pub http_request_id: String,
}

/// The two ids a write needs, made by the flow.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Id of the line of history.
    pub event_id: Uuid,
    /// When (UTC).
    pub at: DateTime<Utc>,
}

/// The identities of a request that is stored for the first time.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// For programs.
    pub id: Uuid,
    /// Letters that the reference begins with: those of its desk.
    pub prefix: &'a str,
    /// Number of the reference, which nobody else was given.
    pub number: i64,
}

/// What is to be written, by one unit of work or by several.
#[derive(Debug, Default)]
pub struct Writes {
    pub(super) new: Vec<(NewRow, FactsRow)>,
    pub(super) changed: Vec<ChangedRow>,
    /// Changes with other facts than before. Apart from the others, which leave the facts as they are.
    pub(super) revised: Vec<(ChangedRow, FactsRow)>,
    pub(super) new_words: Vec<WordsRow>,
    pub(super) revised_words: Vec<WordsRow>,
    pub(super) lines: Vec<Line>,
    pub(super) time_entries: Vec<TimeEntryRow>,
    pub(super) audit: Vec<AuditRow>,
    pub(super) answers: Vec<AnswerRow>,
}

impl Writes {
    /// Stores a new request; tells how it stands then.
    pub fn insert(
        &mut self,
        identity: Identity<'_>,
        new: NewRequest,
        who: &Who,
        stamp: Stamp,
    ) -> Request {
        let NewRequest {
            state,
            desk,
            facts,
            decision,
            progress,
            requested_by,
            submitted_by,
            event,
            ..
        } = new;
        let Identity { id, prefix, number } = identity;
        let request = Request {
            id,
            reference: format!("{prefix}-{}-{number:06}", stamp.at.year()),
            desk,
            state,
            version: 1,
            facts,
            decision,
            progress,
            owner_subject: requested_by.subject(),
            requested_by,
            submitted_by,
            created_at: stamp.at,
            updated_at: stamp.at,
            state_since: stamp.at,
        };
        let row = NewRow {
            id,
            reference: request.reference.clone(),
            desk: request.desk.clone(),
            state: state.as_str(),
            version: request.version,
            decision: request.decision.as_ref().map(Document::of),
            progress: Document::of(&request.progress),
            assignee: assignee(&request.progress),
            requested_by: Document::of(&request.requested_by),
            requester_name: request.requested_by.name.clone(),
            owner_subject: request.owner_subject.clone(),
            submitted_by: request.submitted_by.clone(),
            created_at: stamp.at,
            updated_at: stamp.at,
            state_since: stamp.at,
        };
        self.new.push((row, FactsRow::of(&request.facts)));
        self.new_words.push(words_of(&request));
        self.record(&request, event, who, stamp);
        request
    }

    /// Writes a change over the request as it was read; tells how it stands then.
    pub fn update(
        &mut self,
        current: &Request,
        change: Change,
        who: &Who,
        stamp: Stamp,
    ) -> Request {
        let Change {
            state,
            desk,
            facts,
            decision,
            progress,
            event,
            ..
        } = change;
        let is_judged = decision != current.decision;
        let is_revised = facts != current.facts;
        let request = Request {
            desk,
            state,
            version: current.version + 1,
            facts,
            decision,
            progress,
            updated_at: stamp.at,
            state_since: if state == current.state {
                current.state_since
            } else {
                stamp.at
            },
            id: current.id,
            reference: current.reference.clone(),
            requested_by: current.requested_by.clone(),
            owner_subject: current.owner_subject.clone(),
            submitted_by: current.submitted_by.clone(),
            created_at: current.created_at,
        };
        let row = ChangedRow {
            id: request.id,
            version: current.version,
            desk: request.desk.clone(),
            state: state.as_str(),
            is_judged,
            decision: request
                .decision
                .as_ref()
                .filter(|_| is_judged)
                .map(Document::of),
            progress: Document::of(&request.progress),
            assignee: assignee(&request.progress),
            updated_at: request.updated_at,
            state_since: request.state_since,
        };
        if is_revised {
            self.revised.push((row, FactsRow::of(&request.facts)));
        } else {
            self.changed.push(row);
        }
        // They say where it is, too.
        if is_revised || request.desk != current.desk {
            self.revised_words.push(words_of(&request));
        }
        self.record(&request, event, who, stamp);
        request
    }

    fn record(&mut self, request: &Request, event: Event, who: &Who, stamp: Stamp) {
        let Event {
            kind,
            from,
            to,
            reason,
            changed,
        } = event;
        let Who {
            subject,
            name,
            role,
            key_id,
            on_behalf_of,
            http_request_id,
        } = who.clone();
        self.lines.push(Line {
            id: stamp.event_id,
            request_id: request.id,
            request_version: request.version,
            kind: kind.as_str(),
            from_state: from.map(|state| state.as_str()),
            to_state: to.as_str(),
            desk: request.desk.clone(),
            reason,
            changed: Document::of(&changed),
            actor_subject: subject,
            actor_name: name,
            actor_role: role,
            key_id,
            on_behalf_of,
            http_request_id,
            at: stamp.at,
        });
    }

    /// Stores hours worked.
    pub fn log_hours(&mut self, entry: TimeEntry) {
        let TimeEntry {
            id,
            request_id,
            hours,
            worked_on,
            note,
            logged_by,
            created_at,
        } = entry;
        self.time_entries.push(TimeEntryRow {
            id,
            request_id,
            hours,
            worked_on,
            note,
            logged_by,
            created_at,
        });
    }

    /// Leaves a line in the audit trail.
    pub fn audit(&mut self, entry: Entry) {
        let Entry {
            id,
            at,
            subject,
            role,
            key_id,
            address,
            method,
            route,
            http_request_id,
            status,
            action,
            object,
            outcome,
            code,
        } = entry;
        self.audit.push(AuditRow {
            id,
            at,
            subject,
            role,
            key_id,
            address,
            method,
            route,
            http_request_id,
            status: status.and_then(|status| i16::try_from(status).ok()),
            action,
            object,
            outcome: outcome.as_str(),
            code,
        });
    }

    /// Keeps the answer under the claimed key.
    pub fn remember(&mut self, key: &Key, answer: &Answer, now: DateTime<Utc>) {
        self.answers.push(AnswerRow {
            scope: key.scope.to_vec(),
            fingerprint: key.fingerprint.to_vec(),
            status: i16::try_from(answer.status).unwrap_or(500),
            headers: Document::of(&answer.headers),
            body: answer.body.clone(),
            created_at: now,
        });
    }

    /// Takes over what another unit of work writes.
    pub(super) fn append(&mut self, mut more: Self) {
        let Self {
            new,
            changed,
            revised,
            new_words,
            revised_words,
            lines,
            time_entries,
            audit,
            answers,
        } = &mut more;
        self.new.append(new);
        self.changed.append(changed);
        self.revised.append(revised);
        self.new_words.append(new_words);
        self.revised_words.append(revised_words);
        self.lines.append(lines);
        self.time_entries.append(time_entries);
        self.audit.append(audit);
        self.answers.append(answers);
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            new,
            changed,
            revised,
            new_words: _,
            revised_words: _,
            lines,
            time_entries,
            audit,
            answers,
        } = self;
        new.is_empty()
            && changed.is_empty()
            && revised.is_empty()
            && lines.is_empty()
            && time_entries.is_empty()
            && audit.is_empty()
            && answers.is_empty()
    }

    /// Whether there are words to be sorted in.
    pub(super) fn has_words(&self) -> bool {
        !(self.new_words.is_empty() && self.revised_words.is_empty())
    }

    /// Whether there is something for the feed to tell.
    pub(super) fn has_news(&self) -> bool {
        !self.lines.is_empty()
    }
}

/// The words of a request, as they are searched.
fn words_of(request: &Request) -> WordsRow {
    WordsRow {
        request_id: request.id,
        created_at: request.created_at,
        words: words::of(request),
    }
}

/// The name of who delivers.
fn assignee(progress: &Progress) -> Option<String> {
    let assignee = progress.assignee.as_ref();
    assignee.map(|assignee| assignee.name.clone())
}

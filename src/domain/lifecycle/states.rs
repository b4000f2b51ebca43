//! The closed set of states, and what each means to a dashboard.

use crate::domain::facts::vocabulary;

vocabulary! {
    /// Where a request stands.
    State {
        /// Not submitted; facts may be missing.
        Draft = "draft",
        /// Passed the rules; in the desk's queue.
        Submitted = "submitted",
        /// Failed a rule; reasons and destinations are kept; may be revised or appealed.
        Ineligible = "ineligible",
        /// The requester asked for an exception, with a justification.
        ExceptionReview = "exception_review",
        /// The desk is looking.
        InReview = "in_review",
        /// The desk needs facts from the requester; the clock is paused.
        ActionRequired = "action_required",
        /// The desk will do it; on its waiting list.
        Accepted = "accepted",
        /// An architect and dates are set.
        Scheduled = "scheduled",
        /// Being delivered.
        InProgress = "in_progress",
        /// Paused, with a reason and a day to resume; the clock is paused.
        OnHold = "on_hold",
        /// Delivered, with an outcome.
        Completed = "completed",
        /// Refused by the desk.
        Rejected = "rejected",
        /// Handed to another desk or to a channel.
        Redirected = "redirected",
        /// Withdrawn by the requester or a lead.
        Cancelled = "cancelled",
        /// Unanswered or stale.
        Expired = "expired",
    }
}

vocabulary! {
    /// The coarse state that dashboards group by.
    StatusCategory {
        /// Not submitted.
        Draft = "draft",
        /// With the desk.
        Pending = "pending",
        /// Waiting for somebody or something; the clock is paused.
        Waiting = "waiting",
        /// Being worked.
        Active = "active",
        /// At an end.
        Closed = "closed",
    }
}

impl State {
    /// The category a dashboard shows it under.
    pub const fn category(self) -> StatusCategory {
        match self {
            Self::Draft => StatusCategory::Draft,
            Self::Submitted | Self::ExceptionReview | Self::InReview | Self::Accepted => {
                StatusCategory::Pending
            }
            Self::ActionRequired | Self::OnHold => StatusCategory::Waiting,
            Self::Scheduled | Self::InProgress => StatusCategory::Active,
            Self::Ineligible
            | Self::Completed
            | Self::Rejected
            | Self::Redirected
            | Self::Cancelled
            | Self::Expired => StatusCategory::Closed,
        }
    }

    /// Whether a deal in this state counts towards a partner's first deals. Of those that expired, only what was submitted
    /// before does.
    pub const fn counts_as_deal(self) -> bool {
        match self {
            Self::Draft
            | Self::Ineligible
            | Self::Rejected
            | Self::Redirected
            | Self::Cancelled => false,
            Self::Submitted
            | Self::ExceptionReview
            | Self::InReview
            | Self::ActionRequired
            | Self::Accepted
            | Self::Scheduled
            | Self::InProgress
            | Self::OnHold
            | Self::Completed
            | Self::Expired => true,
        }
    }

    /// Submitted and not at an end.
    pub const fn is_open(self) -> bool {
        !matches!(
            self.category(),
            StatusCategory::Draft | StatusCategory::Closed
        )
    }
}

alter table audit
    drop constraint audit_outcome_check,
    add constraint audit_outcome_check check (outcome in ('done', 'replayed', 'refused', 'failed'));
alter table request_events
    drop constraint request_events_kind_check,
    add constraint request_events_kind_check
        check (kind in ('created', 'transitioned', 'revised', 'hours_logged'));
alter table requests
    drop constraint requests_state_check,
    drop constraint a_submitted_request_has_a_desk_and_a_decision,
    add constraint requests_state_check check (state in (
        'draft', 'submitted', 'ineligible', 'exception_review', 'in_review', 'action_required', 'accepted',
        'scheduled', 'in_progress', 'on_hold', 'completed', 'rejected', 'redirected', 'cancelled', 'expired')),
    add constraint a_submitted_request_has_a_desk_and_a_decision check (
        state in ('draft', 'ineligible', 'cancelled', 'expired', 'redirected')
        or desk is not null and decision is not null);

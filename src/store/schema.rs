// The tables as the migrations make them; a test compares the two.

diesel::table! {
    requests (id) {
        id -> Uuid,
        reference -> Text,
        desk -> Nullable<Text>,
        state -> Text,
        version -> Int8,
        facts -> Json,
        decision -> Nullable<Json>,
        progress -> Json,
        requested_by -> Json,
        owner_subject -> Text,
        submitted_by -> Text,
        solution_area_key -> Nullable<Text>,
        customer_key -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        state_since -> Timestamptz,
        service -> Nullable<Text>,
        partner_mpn_id -> Nullable<Text>,
        estimated_hours -> Nullable<Float8>,
        title -> Nullable<Text>,
        priority -> Nullable<Text>,
        needed_by -> Nullable<Text>,
        partner_name -> Nullable<Text>,
        customer_name -> Nullable<Text>,
        requester_name -> Nullable<Text>,
        assignee -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::column::Tsvector;

    request_words (request_id) {
        request_id -> Uuid,
        created_at -> Timestamptz,
        words -> Tsvector,
    }
}

diesel::table! {
    request_events (transaction_number, position) {
        position -> Int8,
        transaction_number -> Int8,
        id -> Uuid,
        request_id -> Uuid,
        request_version -> Int8,
        kind -> Text,
        from_state -> Nullable<Text>,
        to_state -> Text,
        desk -> Nullable<Text>,
        reason -> Nullable<Text>,
        changed -> Array<Text>,
        actor_subject -> Text,
        actor_name -> Text,
        actor_role -> Text,
        key_id -> Text,
        on_behalf_of -> Nullable<Text>,
        http_request_id -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Text,
        secret_hash -> Bytea,
        subject -> Text,
        name -> Text,
        role -> Text,
        relationship -> Nullable<Text>,
        desks -> Array<Text>,
        partners -> Array<Text>,
        created_at -> Timestamptz,
        created_by -> Text,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        scopes -> Nullable<Array<Text>>,
    }
}

diesel::table! {
    idempotency_keys (scope) {
        scope -> Bytea,
        fingerprint -> Bytea,
        status -> Int2,
        headers -> Json,
        body -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    audit (at, id) {
        id -> Uuid,
        at -> Timestamptz,
        subject -> Text,
        role -> Text,
        key_id -> Text,
        address -> Nullable<Text>,
        method -> Nullable<Text>,
        route -> Nullable<Text>,
        http_request_id -> Nullable<Text>,
        status -> Nullable<Int2>,
        action -> Text,
        object -> Nullable<Text>,
        outcome -> Text,
        code -> Nullable<Text>,
    }
}

diesel::table! {
    catalogs (version) {
        version -> Text,
        document -> Text,
        first_used_at -> Timestamptz,
    }
}

diesel::table! {
    server_secrets (name) {
        name -> Text,
        value -> Bytea,
    }
}

diesel::table! {
    time_entries (id) {
        id -> Uuid,
        request_id -> Uuid,
        hours -> Float8,
        worked_on -> Date,
        note -> Nullable<Text>,
        logged_by -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    feed_shifts (shift) {
        shift -> Int8,
        since -> Timestamptz,
    }
}

diesel::joinable!(request_events -> requests (request_id));
diesel::allow_tables_to_appear_in_same_query!(requests, request_events);

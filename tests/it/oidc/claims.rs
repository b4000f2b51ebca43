//! What claims make of a caller.

use super::*;

#[test]
fn a_token_and_a_key_of_one_person_reach_the_same_requests() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    let by_token = app.with_token(signer.token(&issuer.claims()));
    let by_key = app.pdm("paula@example.com");

    let first = by_token.create(&session_at_pad());
    let second = by_key.create(&session_at_pad());
    assert_eq!(first["requested_by"]["email"], "paula@example.com");
    for client in [&by_token, &by_key] {
        for request in [&first, &second] {
            let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
            assert_eq!(client.get(&path).status, 200);
        }
    }
    by_key.take(
        &first,
        &json!({ "to": "cancelled", "reason": "Not needed any more" }),
    );

    let credentials = app
        .db
        .query("select distinct key_id from request_events order by 1")
        .unwrap();
    let by_token = String::from("oidc:127.0.0.1:subject-of-paula");
    let mut expected = vec![by_key.key_id.clone(), by_token];
    expected.sort();
    let mut credentials = credentials;
    credentials.sort();
    assert_eq!(credentials, expected);
}

#[test]
fn an_address_that_nobody_vouches_for_reaches_nobodys_requests() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    let request = app.pdm("paula@example.com").create(&session_at_pad());
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    for changes in [
        json!({ "email_verified": false }),
        json!({ "email_verified": null }),
        json!({ "email": null, "preferred_username": "paula@example.com", "upn": "paula@example.com" }),
        json!({ "email": "paula@example.com", "email_verified": true, "xms_edov": false }),
    ] {
        let thief = app.with_token(signer.token(&issuer.claims_with(changes.clone())));
        let answer = thief.get(&path);
        assert_problem(&answer, 403, "ACTION_FORBIDDEN");
        assert!(answer.body.contains("an e-mail address"), "{}", answer.body);

        let mut changes = changes;
        changes["roles"] = json!(["integration"]);
        let tool = app.with_token(signer.token(&issuer.claims_with(changes)));
        assert_eq!(tool.get(&path).status, 404);
        let me = assert_me(&tool.get("/v1/me"));
        let subject = format!("{}#subject-of-paula", issuer.url());
        assert_eq!(me["subject"], subject);
    }
    let stranger = json!({ "email": "other@example.com" });
    let stranger = app.with_token(signer.token(&issuer.claims_with(stranger)));
    assert_eq!(stranger.get(&path).status, 404);
}

#[test]
fn claims_say_which_desks_and_partners_a_caller_reaches() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    let request = app.pdm("paula@example.com").create(&session_at_pad());
    let path = format!("/v1/requests/{}", request["id"].as_str().unwrap());
    let partner = session_at_pad()["partner"]["mpn_id"].clone();
    for (changes, status) in [
        (
            json!({ "roles": ["engagement-desk.desk_member"], "desks": ["pad"] }),
            200,
        ),
        (json!({ "roles": ["desk_lead"], "desks": "gps,pad" }), 200),
        (json!({ "roles": ["desk_lead"], "desks": ["gps"] }), 404),
        (
            json!({ "email": "ann@example.com", "partners": [partner] }),
            200,
        ),
        (
            json!({ "email": "ann@example.com", "partners": ["1"] }),
            404,
        ),
        (json!({ "email": "ann@example.com", "desks": ["pad"] }), 404),
        (json!({ "roles": ["viewer"] }), 200),
        (json!({ "roles": ["requester", "admin"] }), 200),
    ] {
        let client = app.with_token(signer.token(&issuer.claims_with(changes.clone())));
        assert_eq!(client.get(&path).status, status, "{changes}");
    }
    let admin = issuer.claims_with(json!({ "roles": ["requester", "admin"] }));
    let keys = app.with_token(signer.token(&admin)).get("/v1/api-keys");
    assert_eq!(keys.status, 200, "{}", keys.body);
}

#[test]
fn a_good_token_that_gives_no_right_is_told_what_it_lacks() {
    let signer = Signer::p256("e");
    let issuer = Issuer::start(&[&signer]);
    let app = TestApp::with_oidc(issuer.settings());
    for (changes, lack) in [
        (json!({ "roles": null }), "no role"),
        (json!({ "roles": ["other"] }), "no role"),
        (
            json!({ "relationship": null }),
            "what the caller is to the partner",
        ),
        (json!({ "roles": ["desk_lead"] }), "no desk"),
        (
            json!({ "roles": ["desk_lead"], "desks": ["elsewhere"] }),
            "no desk",
        ),
    ] {
        let answer = app.me(signer.token(&issuer.claims_with(changes.clone())));
        assert_problem(&answer, 403, "ACTION_FORBIDDEN");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(lack), "{changes}: {detail}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(
            challenge.as_deref(),
            Some("Bearer error=\"insufficient_scope\"")
        );
    }
}

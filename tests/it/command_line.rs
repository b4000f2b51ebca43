//! What the program does when it is typed: a first start, keys, catalogues, judgements.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::app::{TestApp, consultation_at_tpd};
use crate::support::cast::path;
use crate::support::client::send;
use crate::support::db::TestDb;
use crate::support::service::{Folder, Service, complaint, program, run, said};

#[test]
fn a_first_start_shows_all_that_is_needed_to_try_it() {
    let folder = Folder::new();
    let service = Service::private(&folder);
    let address = service.address.parse().unwrap();
    service.wait_until_printed(" -d '");
    let printed = service.printed();
    let documentation = format!("http://{}/docs", service.address);
    assert!(printed.contains(&documentation), "{printed}");
    assert_eq!(send(address, "GET", "/docs", &[], "").status, 200);
    assert_eq!(
        printed.matches("edk_").count(),
        7,
        "six keys, and one of them in the example"
    );
    for role in [
        "requester",
        "desk_member",
        "desk_lead",
        "viewer",
        "integration",
        "admin",
    ] {
        let me = service.client(&service.key(role)).get("/v1/me");
        assert_eq!(me.status, 200, "{role}");
        assert_eq!(me.json()["role"], role);
    }

    let answer = paste(&printed);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["eligible"], false);
    assert_eq!(answer.json()["desk"], "tpd");

    assert_eq!(service.stop(), Some(0));
    assert!(!folder.0.join("server/cluster/postmaster.pid").exists());
    let service = Service::private(&folder);
    service.wait_until_printed("keys create");
    let second = service.printed();
    assert!(second.contains(&service.address), "{second}");
    assert!(!second.contains("edk_"), "{second}");
}

/// Sends what the printed curl command would, as a shell reads it.
fn paste(printed: &str) -> crate::support::client::Answer {
    let start = printed.find("curl ").unwrap();
    let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{}", &printed[start..]);
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = String::from_utf8(output.stdout).unwrap();
    let mut arguments = output.lines();
    let (mut headers, mut body, mut url) = (Vec::new(), "", "");
    while let Some(argument) = arguments.next() {
        match argument {
            "-s" => {}
            "-H" => headers.push(arguments.next().unwrap().split_once(": ").unwrap()),
            "-d" => body = arguments.next().unwrap(),
            other => url = other,
        }
    }
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_at(rest.find('/').unwrap());
    send(address.parse().unwrap(), "POST", path, &headers, body)
}

#[test]
fn a_database_of_the_operators_own_gets_no_keys_unasked() {
    let db = TestDb::empty();
    let arguments = ["--listen", "127.0.0.1:0", "--database-url", &db.url];
    let service = Service::start(&arguments);
    assert_eq!(service.printed(), "");
    assert_eq!(db.query("select count(*) from api_keys").unwrap(), ["0"]);

    let create = [
        "keys",
        "--database-url",
        &db.url,
        "create",
        "--role",
        "admin",
        "--subject",
        "Root@Example.com",
        "--days",
        "7",
    ];
    let key = said(&create);
    let admin = service.client(key.trim());
    assert_eq!(admin.get("/v1/me").json()["subject"], "root@example.com");
    let keys = admin.get("/v1/api-keys").json();
    assert_eq!(keys["items"][0]["created_by"], "command line");
}

#[test]
fn keys_are_made_listed_and_revoked_beside_the_running_service() {
    let folder = Folder::new();
    let service = Service::private(&folder);
    let keys = |rest: &[&str]| {
        let arguments = [&["keys", "--data-dir", folder.text()], rest].concat();
        run(&arguments)
    };
    let made = keys(&[
        "create",
        "--role",
        "desk_member",
        "--subject",
        "Ada@Example.com",
        "--desk",
        "pad",
    ]);
    assert!(made.status.success(), "{made:?}");
    let text = String::from_utf8(made.stdout).unwrap();
    let (token, id) = (text.trim(), text.split('_').nth(1).unwrap());
    let ada = service.client(token);
    assert_eq!(ada.get("/v1/me").json()["desks"], json!(["pad"]));

    let listed = String::from_utf8(keys(&["list"]).stdout).unwrap();
    assert_eq!(listed.lines().count(), 7);
    let line = listed.lines().find(|line| line.starts_with(id)).unwrap();
    for word in ["desk_member", "live", "ada@example.com"] {
        assert!(line.contains(word), "{line}");
    }
    assert!(!listed.contains(token.split('_').nth(2).unwrap()));

    assert!(keys(&["revoke", id]).status.success());
    let listed = String::from_utf8(keys(&["list"]).stdout).unwrap();
    assert!(
        listed
            .lines()
            .any(|line| line.starts_with(id) && line.contains("revoked"))
    );
    let since = Instant::now();
    loop {
        let sent = since.elapsed();
        if ada.get("/v1/me").status != 200 {
            break;
        }
        assert!(sent < Duration::from_secs(1), "still open");
    }
    let unknown = keys(&["revoke", "nothing"]);
    assert_eq!(unknown.status.code(), Some(1));

    // A requester without a relationship or a member without a desk is not even tried.
    for lacking in [&["--role", "requester"], &["--role", "desk_lead"]] {
        let output = keys(&[&["create", "--subject", "x"], lacking.as_slice()].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }

    drop(service);
    // And when the service is down: the command starts Postgres for itself.
    let listed = String::from_utf8(keys(&["list"]).stdout).unwrap();
    assert_eq!(listed.lines().count(), 7);
}

#[test]
fn a_catalogue_is_checked_and_printed() {
    let printed = said(&["catalog", "print"]);
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("catalog.toml");
    let check = ["catalog", "check", file.to_str().unwrap()];
    fs::write(&file, &printed).unwrap();
    assert!(said(&check).contains("3 desks"));

    let bad = printed.replacen("prefix = \"GPS\"", "prefix = 7", 1);
    let line = bad.lines().position(|line| line == "prefix = 7").unwrap() + 1;
    fs::write(&file, bad).unwrap();
    let message = complaint(&check);
    assert!(
        message.contains(&format!("catalog.toml:{line}: ")),
        "{message}"
    );

    // The service does not start with it either, and says the same.
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        folder.text(),
        "--catalog",
        check[2],
    ];
    assert_eq!(complaint(&serve), message);
    assert!(
        !folder.0.join("server").exists(),
        "nothing is set up before"
    );
    assert!(complaint(&["catalog", "check", "/nowhere.toml"]).contains("/nowhere.toml"));
}

#[test]
fn facts_are_judged_without_a_service() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("facts.json");
    let file = file.to_str().unwrap();
    let decide = |facts: &Value, more: &[&str]| {
        fs::write(file, facts.to_string()).unwrap();
        run(&[&["decide", file], more].concat())
    };
    let judged = |facts: &Value, more: &[&str]| -> Value {
        let output = decide(facts, more);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let app = TestApp::start();
    let pdm = app.pdm("paula@example.com");
    for hours in [24.75, 25.0] {
        let facts = consultation_at_tpd(hours);
        let there = pdm.post("/v1/eligibility-checks", &facts).json();
        assert_eq!(judged(&facts, &[]), there);
    }
    let customer = judged(
        &consultation_at_tpd(1.0),
        &["--relationship", "end_customer"],
    );
    assert_eq!(customer["eligible"], false);
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/catalogs/cloud-enablement-desk.toml"
    );
    let under_another = judged(&json!({}), &["--catalog", sample]);
    assert_eq!(under_another["compared"].as_array().unwrap().len(), 4);

    let output = decide(&json!({ "desk": "nowhere", "estimated_hour": 1 }), &[]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("/estimated_hour") && message.contains("/desk"),
        "{message}"
    );
}

#[test]
fn migrations_run_and_are_taken_back_by_hand() {
    let db = TestDb::empty();
    let migrate = ["migrate", "--database-url", &db.url];
    let first = said(&migrate);
    assert!(
        first.lines().count() > 1 && first.lines().all(|line| line.starts_with("Ran ")),
        "{first}"
    );
    assert_eq!(said(&migrate), "The database is up to date.\n");
    let back = said(&[migrate.as_slice(), &["--revert-last"]].concat());
    assert!(back.starts_with("Took back "), "{back}");
    assert_eq!(said(&migrate).lines().count(), 1);
}

#[test]
fn a_misspelt_setting_stops_the_start() {
    let output = program()
        .args(["catalog", "print"])
        .env("ED_DATA_DIRECTORY", "/srv")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("ED_DATA_DIRECTORY") && message.contains("ED_DATA_DIR,"),
        "{message}"
    );
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_set_up() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = Folder::new();
    let message = complaint(&["serve", "--listen", &address, "--data-dir", folder.text()]);
    assert!(
        message.contains(&address) && message.contains("--listen"),
        "{message}"
    );
    assert!(!folder.0.exists());
}

#[test]
fn a_desk_that_an_operator_adds_works_from_end_to_end() {
    let folder = Folder::new();
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/catalogs/cloud-enablement-desk.toml"
    );
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        folder.text(),
        "--catalog",
        sample,
    ];
    let service = Service::start(&arguments);
    let requester = service.client(&service.key("requester"));
    let admin = service.client(&service.key("admin"));
    let catalogue = requester.get("/v1/catalog").json();
    assert_eq!(catalogue["desks"].as_array().unwrap().len(), 4);
    let body = json!({ "subject": "cleo@example.com", "name": "Cleo", "role": "desk_member", "desks": ["ced"] });
    let issued = admin.post("/v1/api-keys", &body);
    assert_eq!(issued.status, 201, "{}", issued.body);
    let cleo = service.client(issued.json()["key"].as_str().unwrap());

    let nomination = json!({
        "service": "marketplace_nomination", "solution_area": "Security", "involves": ["programme_enablement"],
        "partner": { "mpn_id": "4567890", "member": true },
        "customer": { "kind": "segment", "description": "Hospitals in the Benelux" }
    });
    let request = requester.create(&nomination);
    assert_eq!(request["desk"], "ced");
    assert_eq!(request["desk_recommended"], true);
    let reference = request["reference"].as_str().unwrap();
    assert!(
        reference.starts_with("CED-") && reference.ends_with("-000001"),
        "{reference}"
    );
    for step in [
        json!({ "to": "in_review" }),
        json!({ "to": "accepted" }),
        json!({ "to": "in_progress" }),
        json!({ "to": "completed", "outcome": "Nominated." }),
    ] {
        cleo.take(&request, &step);
    }
    assert_eq!(requester.get(&path(&request)).json()["state"], "completed");
    let another = cleo.get("/v1/requests?desk=ced&state=completed").json();
    assert_eq!(another["items"].as_array().unwrap().len(), 1);
}

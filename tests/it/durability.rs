//! What was acknowledged is kept, whatever is killed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::app::session_at_pad;
use crate::support::cast::drafted;
use crate::support::db::TestDb;
use crate::support::service::{Folder, Service, free_port, postgres_in, said, signal};

/// A caller that lives with a service that goes away and comes back.
struct Persistent {
    agent: ureq::Agent,
    url: String,
    bearer: String,
}

impl Persistent {
    fn new(port: u16, token: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Self {
            agent: agent.into(),
            url: format!("http://127.0.0.1:{port}/v1/requests"),
            bearer: format!("Bearer {token}"),
        }
    }

    /// The answer; `None` where the service is away or its database is, and where nobody knows.
    fn create(&self, title: &str, key: &str) -> Option<(u16, Value)> {
        let mut body = drafted(session_at_pad());
        body["title"] = json!(title);
        let request = self
            .agent
            .post(&self.url)
            .header("Authorization", &self.bearer)
            .header("Idempotency-Key", key);
        let mut answer = request.send_json(&body).ok()?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().read_json().ok()?;
        (status < 500).then_some((status, body))
    }

    /// Tries until there is an answer.
    fn insist(&self, title: &str, key: &str) -> (u16, Value) {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            match self.create(title, key) {
                Some((409, _)) | None => assert!(Instant::now() < deadline, "no answer"),
                Some(answer) => return answer,
            }
        }
    }
}

struct Desk {
    folder: Folder,
    port: u16,
    token: String,
}

impl Desk {
    fn open() -> (Self, Service) {
        let folder = Folder::new();
        let port = free_port();
        let mut desk = Self {
            folder,
            port,
            token: String::new(),
        };
        let service = desk.start();
        desk.token = service.key("requester");
        (desk, service)
    }

    fn start(&self) -> Service {
        let listen = format!("127.0.0.1:{}", self.port);
        Service::start(&["--listen", &listen, "--data-dir", self.folder.text()])
    }

    /// Titles of all the requests there are, each as often as it is there.
    fn titles(&self, service: &Service) -> Vec<String> {
        let client = service.client(&self.token);
        let mut titles = Vec::new();
        let mut address = String::from("/v1/requests?limit=200");
        loop {
            let page = client.get(&address).json();
            let items = page["items"].as_array().unwrap();
            titles.extend(
                items
                    .iter()
                    .map(|item| item["title"].as_str().unwrap().to_owned()),
            );
            match page["next_cursor"].as_str() {
                Some(cursor) => address = format!("/v1/requests?limit=200&cursor={cursor}"),
                None => return titles,
            }
        }
    }
}

#[test]
fn acknowledged_requests_survive_a_kill_of_the_service_of_postgres_and_of_both() {
    let (desk, mut service) = Desk::open();
    let acknowledged = Mutex::new(BTreeSet::new());
    let (done, progress) = (AtomicBool::new(false), mpsc::channel());
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let (desk, acknowledged, done, progress) =
                (&desk, &acknowledged, &done, progress.0.clone());
            scope.spawn(move || {
                let caller = Persistent::new(desk.port, &desk.token);
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    let title = format!("{writer}-{number}");
                    if let Some((status, body)) = caller.create(&title, &title) {
                        assert_eq!(status, 201, "{body}");
                        acknowledged.lock().unwrap().insert(title);
                        let _nobody_listens = progress.send(());
                    }
                }
            });
        }
        // Something is written between any two kills, so no kill comes when nothing goes on.
        let some_more = || {
            while progress.1.try_recv().is_ok() {}
            for _ in 0..10 {
                progress.1.recv_timeout(Duration::from_secs(60)).unwrap();
            }
        };
        some_more();
        service.kill();
        service = desk.start();
        some_more();
        signal("-9", postgres_in(&desk.folder));
        some_more(); // The same process serves on.
        let postgres = postgres_in(&desk.folder);
        signal("-9", postgres);
        service.kill();
        service = desk.start();
        some_more();
        done.store(true, Ordering::Relaxed);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= 40);
    let kept: BTreeSet<String> = desk.titles(&service).into_iter().collect();
    let lost: Vec<_> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_client_that_retries_through_kills_ends_with_one_request_for_each_key() {
    let (desk, mut service) = Desk::open();
    const WRITES: usize = 200;
    let (send, answered) = mpsc::channel();
    std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            let caller = Persistent::new(desk.port, &desk.token);
            (0..WRITES)
                .map(|number| {
                    let title = format!("need-{number}");
                    let (status, body) = caller.insist(&title, &title);
                    assert_eq!(status, 201, "{body}");
                    let _nobody_listens = send.send(());
                    body["id"].as_str().unwrap().to_owned()
                })
                .collect::<BTreeSet<String>>()
        });
        // At moments of no rhythm with the writes.
        for (round, answers) in [7, 31, 3, 53, 17].into_iter().enumerate() {
            for _ in 0..answers {
                answered.recv_timeout(Duration::from_secs(60)).unwrap();
            }
            if round % 2 == 1 {
                signal("-9", postgres_in(&desk.folder));
            }
            service.kill();
            service = desk.start();
        }
        assert_eq!(client.join().unwrap().len(), WRITES);
    });
    let titles = desk.titles(&service);
    let distinct: BTreeSet<&String> = titles.iter().collect();
    assert_eq!((titles.len(), distinct.len()), (WRITES, WRITES));
}

#[test]
fn services_that_start_together_on_an_empty_database_all_come_up() {
    let db = TestDb::empty();
    let arguments = ["--listen", "127.0.0.1:0", "--database-url", &db.url];
    let started = [Service::spawn(&arguments), Service::spawn(&arguments)];
    let [one, other] = started.map(Service::serving);
    let create = [
        "--role",
        "requester",
        "--relationship",
        "pdm",
        "--subject",
        "p@example.com",
    ];
    let token = said(
        &[
            &["keys", "--database-url", &db.url, "create"],
            create.as_slice(),
        ]
        .concat(),
    );
    let request = one.client(token.trim()).create(&session_at_pad());
    let address = format!("/v1/requests/{}", request["reference"].as_str().unwrap());
    assert_eq!(other.client(token.trim()).get(&address).json(), request);
    let cursor = |service: &Service| {
        let client = service.client(token.trim());
        client.create(&session_at_pad());
        client.get("/v1/requests?limit=1").json()["next_cursor"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // What one hands out, the other understands.
    let there = format!("/v1/requests?limit=2&cursor={}", cursor(&one));
    assert_eq!(other.client(token.trim()).get(&there).status, 200);
}

#[test]
fn a_second_service_on_the_same_folder_is_told_who_has_it() {
    let folder = Folder::new();
    let service = Service::private(&folder);
    let second = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        folder.text(),
    ];
    let message = crate::support::service::complaint(&second);
    assert!(message.contains(folder.text()), "{message}");
    assert_eq!(
        service.client(&service.key("viewer")).get("/v1/me").status,
        200
    );
}

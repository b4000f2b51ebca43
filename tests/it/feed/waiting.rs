//! Long polls of the feed.

use super::*;

/// Asks in the background.
pub fn ask(client: &Client, path: String, headers: &[(&str, &str)]) -> mpsc::Receiver<Answer> {
    let client = client.clone();
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        // Nobody listens any more where the test has failed.
        let _ = tell.send(client.send("GET", &path, &headers, ""));
    });
    told
}

pub fn until_waiting(app: &TestApp, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    while app.app.tail.waiting() != count {
        assert!(Instant::now() < deadline, "{} wait", app.app.tail.waiting());
        std::thread::yield_now();
    }
}

#[test]
fn a_wait_ends_with_a_commit_of_this_instance_or_of_another() {
    let app = TestApp::start();
    let other = app.beside();
    let pdm = app.pdm("paula@example.com");
    let same_person = Client {
        address: other.address,
        ..pdm.clone()
    };
    let mut cursor = now(&pdm);
    for writer in [&pdm, &same_person] {
        let waiting = ask(&pdm, format!("/v1/events?wait=30&cursor={cursor}"), &[]);
        until_waiting(&app, 1);
        let begun = Instant::now();
        let request = writer.create(&session_at_pad());
        let page = waiting.recv_timeout(PATIENCE).unwrap().json();
        assert_eq!(
            members(page["items"].as_array().unwrap(), "reference"),
            [request["reference"].as_str().unwrap()]
        );
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
        page["next_cursor"]
            .as_str()
            .unwrap()
            .clone_into(&mut cursor);
        until_waiting(&app, 0);
    }
}

#[test]
fn a_wait_for_what_the_caller_may_not_see_ends_with_an_empty_page_at_its_deadline() {
    let app = TestApp::start();
    let paula = app.pdm("paula@example.com");
    let peter = app.pdm("peter@example.com");
    let cursor = now(&peter);
    let begun = Instant::now();
    let waiting = ask(&peter, format!("/v1/events?wait=2&cursor={cursor}"), &[]);
    until_waiting(&app, 1);
    paula.create(&session_at_pad());
    let answer = waiting.recv_timeout(PATIENCE).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["items"], json!([]));
    assert!(begun.elapsed() >= Duration::from_secs(2));
    let mut cursor = answer.json()["next_cursor"].as_str().unwrap().to_owned();

    // What comes later is not missed from there.
    let own = peter.create(&session_at_pad());
    let found = read_on(&peter, "wait=20", &mut cursor);
    assert_eq!(found[0]["reference"], own["reference"]);
}

#[test]
fn every_role_is_woken_by_what_it_may_see() {
    let app = TestApp::start();
    let crm = app.integration("crm");
    let mut body = deal_at_gps("Fabrikam");
    body["requested_by"] =
        json!({ "name": "Paula", "email": "paula@example.com", "relationship": "pdm" });
    let clients = [
        app.pdm("paula@example.com"),
        app.requester("maria@example.com", Relationship::Pts, &["7654321"]),
        crm.clone(),
        app.member("gps"),
        app.lead("gps"),
        app.viewer(),
        app.admin(),
    ];
    let waiting: Vec<_> = clients
        .iter()
        .map(|client| {
            ask(
                client,
                format!("/v1/events?wait=30&cursor={}", now(client)),
                &[],
            )
        })
        .collect();
    let bystander = app.member("pad");
    let not_for_it = ask(
        &bystander,
        format!("/v1/events?wait=30&cursor={}", now(&bystander)),
        &[],
    );
    until_waiting(&app, 8);
    let request = crm.create(&body);
    for (waiting, client) in waiting.iter().zip(&clients) {
        let page = waiting
            .recv_timeout(Duration::from_secs(10))
            .expect(&client.key_id)
            .json();
        assert_eq!(page["items"][0]["reference"], request["reference"]);
    }
    until_waiting(&app, 1);
    assert!(not_for_it.try_recv().is_err());
}

#[test]
fn those_who_wait_for_the_same_event_read_it_together() {
    const VIEWERS: usize = 5;
    const EACH: usize = 15;
    let db = Arc::new(TestDb::fresh());
    let relay = Relay::to(&db.url);
    let app = TestApp::by_way_of(&relay, db);
    let pdm = app.pdm("paula@example.com");
    let cursor = now(&app.viewer());
    let mut waiting = Vec::new();
    for number in 0..VIEWERS {
        let viewer = app.db_client(key(&format!("dashboard {number}"), Role::Viewer));
        let path = format!("/v1/events?wait=30&cursor={cursor}");
        waiting.extend((0..EACH).map(|_| ask(&viewer, path.clone(), &[])));
    }
    until_waiting(&app, VIEWERS * EACH);
    let before = relay.asked();
    let request = pdm.create(&session_at_pad());
    for one in waiting {
        let page = one.recv_timeout(PATIENCE).unwrap().json();
        assert_eq!(page["items"][0]["reference"], request["reference"]);
    }
    // Reading takes three questions: each for itself would ask 225.
    let asked = relay.asked() - before;
    assert!(asked < VIEWERS * EACH, "{asked} questions");
}

#[test]
fn a_thousand_who_wait_ask_nothing_and_hold_no_connection() {
    let db = TestDb::fresh();
    let relay = Relay::to(&db.url);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::new(&relay.url, 2).unwrap();
        let catalogue = Arc::new(catalog::builtin().unwrap());
        let app = Arc::new(App::start(store, catalogue, Clock::real()).await.unwrap());
        tokio::spawn(tail::run(Arc::clone(&app)));
        let (end, ended) = watch::channel(false);
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..1_000 {
            let place = app.tail.enter(&format!("caller {}", number % 100)).unwrap();
            let (app, mut ended) = (Arc::clone(&app), ended.clone());
            waiting.spawn(async move {
                let until = async move {
                    ended.wait_for(|ended| *ended).await.unwrap();
                };
                let (filter, all) = (Filter::default(), Visibility::Everything);
                let after = Position::BEGINNING;
                feed::read_or_wait(&app, place, &filter, &all, after, 50, until)
                    .await
                    .unwrap()
            });
        }
        let deadline = Instant::now() + PATIENCE;
        while app.tail.waiting() < 1_000 {
            assert!(Instant::now() < deadline, "{} wait", app.tail.waiting());
            tokio::task::yield_now().await;
        }

        // One task looks now and then, for all of them: that is all that is asked.
        let (asked, begun) = (relay.asked(), Instant::now());
        while relay.asked() < asked + 30 {
            assert!(Instant::now() < deadline, "nobody looks");
            tokio::task::yield_now().await;
        }
        assert!(
            begun.elapsed() > Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
        feed::now(&app).await.unwrap();

        let asked = relay.asked();
        end.send_replace(true);
        while let Some(reading) = waiting.join_next().await {
            assert!(reading.unwrap().rows.is_empty());
        }
        let count = relay.asked() - asked;
        assert!(count < 20, "{count} questions to end the waiting");
    });
}

//! The private Postgres keeps data through whatever befalls it, and never stays behind.

use engagement_desk::embedded::{Error, PrivatePostgres, Settings};
use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};
use tokio_postgres::{Client, NoTls};

/// Names the data folder for [`the_owner_of_a_private_postgres`].
const OWNED: &str = "ED_TEST_OWNED_DATA_DIR";

#[test]
fn what_is_committed_survives_a_kill_of_postgres_and_comes_back_at_the_same_address() {
    let folder = Folder::new("killed");
    let postgres = start(&folder, true);
    let url = postgres.url("engagement_desk");
    write_a_row(&url, "before the kill");

    kill(&["-9", &server_pid(&folder.0).to_string()]);

    assert_eq!(wait_for_rows(&url), ["before the kill"]);
    assert_eq!(postgres.url("engagement_desk"), url);

    let server = server_pid(&folder.0);
    let guard = parent(server);
    assert_eq!(
        process_group(guard),
        guard,
        "Ctrl-C must reach the service alone"
    );
    kill(&["-9", &guard.to_string()]);
    wait_until("another Postgres runs", || {
        find_server(&folder.0).is_some_and(|pid| pid != server)
    });
    assert_eq!(wait_for_rows(&url), ["before the kill"]);

    assert_eq!(query(&url, "SHOW listen_addresses"), [""]);
    for promise in [
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "data_checksums",
    ] {
        assert_eq!(query(&url, &format!("SHOW {promise}")), ["on"], "{promise}");
    }
    assert_eq!(query(&url, "SHOW server_encoding"), ["UTF8"]);
    assert_eq!(query(&url, "SHOW timezone"), ["UTC"]);
    assert_eq!(query(&url, "SELECT 'a' > 'B' AND lower('É') = 'é'"), ["t"]);
    postgres.stop().unwrap();
}

#[test]
fn a_stale_pid_file_that_names_another_process_does_not_wedge_the_start() {
    let folder = Folder::new("stale");
    let postgres = start(&folder, false);
    assert!(postgres.fresh());
    write_a_row(&postgres.url("engagement_desk"), "kept");
    let lines = fs::read_to_string(pid_file(&folder.0)).unwrap();
    postgres.stop().unwrap();
    assert!(!pid_file(&folder.0).exists());

    // A bystander of the same user: Postgres alone would take it for a running server.
    let owner = fs::metadata(folder.0.join("server")).unwrap();
    let mut bystander = Command::new("sleep");
    bystander.arg("600").stdin(Stdio::null());
    if is_root() {
        bystander.uid(owner.uid()).gid(owner.gid());
    }
    let mut bystander = Process(bystander.spawn().unwrap());
    let (_, rest) = lines.split_once('\n').unwrap();
    fs::write(pid_file(&folder.0), format!("{}\n{rest}", bystander.0.id())).unwrap();

    let postgres = start(&folder, false);
    assert!(!postgres.fresh());
    assert_eq!(rows(&postgres.url("engagement_desk")).unwrap(), ["kept"]);
    assert!(
        bystander.0.try_wait().unwrap().is_none(),
        "the bystander must be left alone"
    );

    // Dropped by hand to begin anew: it is there again after the next start.
    query(&postgres.url("postgres"), "DROP DATABASE engagement_desk");
    drop(postgres);
    let postgres = start(&folder, false);
    assert_eq!(
        query(&postgres.url("engagement_desk"), "SELECT current_user"),
        ["engagement_desk"]
    );
}

#[test]
fn two_folders_live_side_by_side_and_each_refuses_a_second_service() {
    let (one, other) = (Folder::new("one"), Folder::new("other, with a comma"));
    let first = start(&one, false);
    let second = start(&other, false);
    assert_ne!(first.url("engagement_desk"), second.url("engagement_desk"));
    write_a_row(&second.url("engagement_desk"), "second");

    let refusal = PrivatePostgres::start(&settings(&one.0, false)).unwrap_err();
    let own_pid = std::process::id();
    assert!(matches!(refusal, Error::InUse { holder: Some(pid), .. } if pid == own_pid));
    assert!(
        refusal.to_string().contains(&own_pid.to_string()),
        "{refusal}"
    );

    first.stop().unwrap();
    assert_eq!(rows(&second.url("engagement_desk")).unwrap(), ["second"]);
    let socket = second.url("x");
    drop(second);
    assert!(!pid_file(&other.0).exists());
    let config: tokio_postgres::Config = socket.parse().unwrap();
    let tokio_postgres::config::Host::Unix(socket) = config.get_hosts().first().unwrap() else {
        panic!("not a socket: {socket}");
    };
    assert!(
        !socket.exists(),
        "a socket folder outside the data folder is removed: {socket:?}"
    );
}

#[test]
fn postgres_ends_with_a_killed_owner_and_the_next_start_finds_everything() {
    let folder = Folder::new("owned");
    let owner = Owner::start(&folder);
    write_a_row(&owner.url, "one");
    let server = server_pid(&folder.0);
    drop(owner);
    wait_until("Postgres has ended", || !is_alive(server));

    // At once after the kill, while the old server may still be going down.
    let owner = Owner::start(&folder);
    write_a_row(&owner.url, "two");
    drop(owner);
    let postgres = start(&folder, true);
    write_a_row(&postgres.url("engagement_desk"), "three");
    postgres.stop().unwrap();

    // As in a power cut: the owner, the guard and Postgres, all at the same moment.
    let owner = Owner::start(&folder);
    write_a_row(&owner.url, "four");
    let server = server_pid(&folder.0);
    let group = parent(server);
    kill(&[
        "-9",
        "--",
        &owner.process.0.id().to_string(),
        &format!("-{group}"),
    ]);
    drop(owner);
    let postgres = start(&folder, true);
    assert!(!postgres.fresh());
    let found = rows(&postgres.url("engagement_desk")).unwrap();
    assert_eq!(found, ["one", "two", "three", "four"]);
}

#[test]
fn a_half_made_cluster_is_replaced() {
    let folder = Folder::new("half");
    let owner = Owner::spawn(&folder.0);
    let half_made = || {
        let entries = fs::read_dir(folder.0.join("server"))
            .into_iter()
            .flatten()
            .flatten();
        entries
            .map(|entry| entry.path())
            .find(|path| path.join("PG_VERSION").exists())
    };
    wait_until("initdb has begun", || half_made().is_some());
    drop(owner);
    assert!(!folder.0.join("server/cluster").exists());

    let postgres = start(&folder, false);
    assert!(postgres.fresh());
    write_a_row(&postgres.url("engagement_desk"), "new");
    assert_eq!(half_made(), Some(folder.0.join("server/cluster")));
}

#[test]
fn a_folder_that_only_root_gets_into_is_kept_elsewhere() {
    if !is_root() {
        return; // Anyone else runs Postgres as themselves.
    }
    let folder = Folder::new("closed");
    fs::create_dir(&folder.0).unwrap();
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o700)).unwrap();
    let postgres = start(&folder, false);
    let elsewhere = Folder(folder.0.join("kept-at").canonicalize().unwrap());
    assert_ne!(elsewhere.0, folder.0);
    write_a_row(&postgres.url("engagement_desk"), "kept");
    postgres.stop().unwrap();

    let postgres = start(&folder, false);
    assert!(!postgres.fresh());
    assert_eq!(rows(&postgres.url("engagement_desk")).unwrap(), ["kept"]);
    let copied_link = PrivatePostgres::start(&settings(&elsewhere.0, false)).unwrap_err();
    assert!(matches!(copied_link, Error::InUse { .. }), "{copied_link}");
}

#[test]
fn data_of_another_version_and_strange_files_are_left_alone() {
    let folder = Folder::new("foreign");
    let cluster = folder.0.join("server/cluster");
    fs::create_dir_all(&cluster).unwrap();
    fs::write(cluster.join("letter.txt"), "Dear Sir").unwrap();
    let refusal = PrivatePostgres::start(&settings(&folder.0, false)).unwrap_err();
    assert!(matches!(refusal, Error::NotACluster(_)), "{refusal}");

    fs::write(cluster.join("PG_VERSION"), "9\n").unwrap();
    let mut old = settings(&folder.0, false);
    old.binaries = Some("/nowhere".into());
    assert!(matches!(
        PrivatePostgres::start(&old),
        Err(Error::UnusableBinaries { .. })
    ));
    assert!(cluster.join("letter.txt").exists());
}

/// Not a test: the other tests run it as a process of its own, to kill it.
#[test]
#[ignore = "it is the process that other tests start and kill"]
fn the_owner_of_a_private_postgres() {
    let Some(folder) = env::var_os(OWNED) else {
        return;
    };
    let postgres = PrivatePostgres::start(&settings(Path::new(&folder), true)).unwrap();
    println!("\nurl {}", postgres.url("engagement_desk"));
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A process that is killed, as with `kill -9`, when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _dead_already = self.0.kill();
        let _reaped_already = self.0.wait();
    }
}

/// A process that owns a private Postgres.
struct Owner {
    process: Process,
    url: String,
}

impl Owner {
    fn spawn(data_dir: &Path) -> Process {
        let process = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "embedded::the_owner_of_a_private_postgres",
                "--ignored",
            ])
            .arg("--nocapture")
            .env(OWNED, data_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        Process(process.unwrap())
    }

    fn start(folder: &Folder) -> Self {
        let mut process = Self::spawn(&folder.0);
        let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let url = lines.find_map(|line| line.unwrap().strip_prefix("url ").map(str::to_owned));
        Self {
            process,
            url: url.expect("the owner tells its address"),
        }
    }
}

/// A folder of its own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Not TMPDIR, which may be closed to the user that Postgres runs as.
        Self(PathBuf::from(format!(
            "/tmp/ed-{}-{count}-{name}",
            std::process::id()
        )))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = fs::read_to_string(self.0.join("server/postgres.log")).unwrap_or_default();
            eprintln!("the log in {}:\n{log}", self.0.display());
        }
        let _leave_it = fs::remove_dir_all(&self.0);
    }
}

fn settings(data_dir: &Path, durable: bool) -> Settings {
    Settings {
        data_dir: data_dir.to_owned(),
        binaries: None,
        durable,
    }
}

fn start(folder: &Folder, durable: bool) -> PrivatePostgres {
    PrivatePostgres::start(&settings(&folder.0, durable)).unwrap_or_else(|error| panic!("{error}"))
}

fn pid_file(data_dir: &Path) -> PathBuf {
    data_dir.join("server/cluster/postmaster.pid")
}

fn server_pid(data_dir: &Path) -> u32 {
    find_server(data_dir).expect("Postgres runs")
}

fn find_server(data_dir: &Path) -> Option<u32> {
    fs::read_to_string(pid_file(data_dir))
        .ok()?
        .lines()
        .next()?
        .parse()
        .ok()
}

/// A process that has ended but wasn't waited for yet has no command line any more.
fn is_alive(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn parent(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .unwrap();
    line.trim().parse().unwrap()
}

fn process_group(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    after_name.split(' ').nth(2).unwrap().parse().unwrap()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn kill(arguments: &[&str]) {
    assert!(
        Command::new("kill")
            .args(arguments)
            .status()
            .unwrap()
            .success()
    );
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5)); // between looks, not instead of one
    }
}

fn write_a_row(url: &str, row: &str) {
    query(url, "CREATE TABLE IF NOT EXISTS kept (id serial, row text)");
    query(url, &format!("INSERT INTO kept (row) VALUES ('{row}')"));
}

fn rows(url: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    try_query(url, "SELECT row FROM kept ORDER BY id")
}

fn wait_for_rows(url: &str) -> Vec<String> {
    let mut found = None;
    wait_until("Postgres answers again", || {
        found = rows(url).ok();
        found.is_some()
    });
    found.unwrap()
}

fn query(url: &str, statement: &str) -> Vec<String> {
    try_query(url, statement).unwrap()
}

/// The first column of the answer, as text.
fn try_query(url: &str, statement: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let (client, connection): (Client, _) = tokio_postgres::connect(url, NoTls).await?;
            let connection = tokio::spawn(connection);
            let answer = client.simple_query(statement).await?;
            drop(client);
            let _closed = connection.await;
            let texts = answer.into_iter().filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0)?.to_owned()),
                _ => None,
            });
            Ok(texts.collect())
        })
}

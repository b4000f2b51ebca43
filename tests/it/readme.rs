//! The walkthrough of the README works as printed.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program running with a private Postgres, until this goes.
struct Service {
    child: Child,
    address: String,
    data_dir: PathBuf,
}

impl Service {
    fn start(name: &str) -> Self {
        let data_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&data_dir);
        let mut child = Command::new(env!("CARGO_BIN_EXE_engagement-desk"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_remove("DATABASE_URL")
            .env("ED_DATA_DIR", &data_dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut screen = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        while address.is_empty() {
            let mut line = String::new();
            assert_ne!(
                screen.read_line(&mut line).unwrap(),
                0,
                "the service did not start"
            );
            if let Some((_, found)) = line.trim().split_once("listens on http://") {
                found.clone_into(&mut address);
            }
        }
        // The rest is read too, so that the service never waits for a reader.
        std::thread::spawn(move || screen.read_to_end(&mut Vec::new()));
        Self {
            child,
            address,
            data_dir,
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }
}

/// The fenced blocks of a section, with their language.
fn blocks(text: &str, heading: &str) -> Vec<(String, String)> {
    let section = text.split(heading).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in section.lines() {
        match (inside, line.strip_prefix("```")) {
            (false, Some(language)) => {
                blocks.push((language.to_owned(), String::new()));
                inside = true;
            }
            (true, Some(_)) => inside = false,
            (true, None) => {
                let block = &mut blocks.last_mut().unwrap().1;
                block.push_str(line);
                block.push('\n');
            }
            (false, None) => {}
        }
    }
    blocks
}

#[test]
fn the_walkthrough_works_as_printed() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let blocks = blocks(&readme.unwrap(), "## From a request to its end");
    let mut script = String::from("set -eu\n");
    let mut expected = String::new();
    for (language, text) in &blocks {
        match language.as_str() {
            "sh" => script.push_str(text),
            "text" => expected.push_str(text),
            other => panic!("a block of {other}"),
        }
    }
    assert!(
        expected.lines().count() > 15,
        "the walkthrough shows what comes of it"
    );

    let service = Service::start("readme");
    let folder = service.data_dir.join("walk");
    std::fs::create_dir_all(&folder).unwrap();
    let script = script
        .replace(
            "target/release/engagement-desk",
            env!("CARGO_BIN_EXE_engagement-desk"),
        )
        .replace("127.0.0.1:8080", &service.address);
    let walk = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&folder)
        .env_remove("DATABASE_URL")
        .env("ED_DATA_DIR", &service.data_dir)
        .output()
        .unwrap();
    let printed = String::from_utf8(walk.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&walk.stderr).into_owned();
    assert_eq!(printed, expected, "{complaints}");
    assert!(walk.status.success(), "{complaints}");
}

//! Rules of the source that the compiler does not know.

use std::fs;
use std::path::Path;

use engagement_desk::http::codes::Code;

struct Source {
    /// From the top of the repository.
    path: String,
    text: String,
}

impl Source {
    /// The lines that are no comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.starts_with("//"))
    }

    /// Where one of these stands, as `path:line: text`.
    fn places_of(&self, forbidden: &[&str]) -> Vec<String> {
        self.code()
            .filter(|(_, line)| forbidden.iter().any(|words| has(line, words)))
            .map(|(number, line)| format!("{}:{number}: {line}", self.path))
            .collect()
    }
}

/// Whether the words stand in the text, and not as parts of longer ones.
fn has(text: &str, words: &str) -> bool {
    let joined = |one: Option<char>, other: Option<char>| {
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        one.is_some_and(is_part) && other.is_some_and(is_part)
    };
    text.match_indices(words).any(|(start, _)| {
        let (before, after) = (&text[..start], &text[start + words.len()..]);
        !joined(before.chars().next_back(), words.chars().next())
            && !joined(words.chars().next_back(), after.chars().next())
    })
}

fn sources(folder: &str) -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![top.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source {
                    text: fs::read_to_string(&path).unwrap(),
                    path: path.strip_prefix(top).unwrap().to_str().unwrap().to_owned(),
                });
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

/// Lines of the folder with one of these in them.
fn places(folder: &str, forbidden: &[&str]) -> Vec<String> {
    let of_one = |source: Source| source.places_of(forbidden);
    sources(folder).into_iter().flat_map(of_one).collect()
}

/// Files of `src` with one of these in them.
fn files_with(words: &[&str]) -> Vec<String> {
    let mut files: Vec<String> = sources("src")
        .into_iter()
        .filter(|source| !source.places_of(words).is_empty())
        .map(|source| source.path)
        .collect();
    files.sort();
    files
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_domain_does_nothing_but_decide() {
    let frameworks = [
        "actix_web",
        "diesel",
        "diesel_async",
        "tokio",
        "tokio_postgres",
        "tracing",
        "rand",
    ];
    assert_eq!(places("src/domain", &frameworks), NOTHING);
    let clocks = [
        "Utc::now",
        "Local::now",
        "Instant::now",
        "Uuid::now_v7",
        "Uuid::new_v4",
    ];
    assert_eq!(places("src/domain", &clocks), NOTHING);
    let outer = [
        "crate::app",
        "crate::cli",
        "crate::clock",
        "crate::credentials",
        "crate::cursor",
        "crate::embedded",
        "crate::flows",
        "crate::http",
        "crate::store",
        "crate::work",
    ];
    assert_eq!(places("src/domain", &outer), NOTHING);
    // Also where they are imported in one go: `use std::{env, fmt}`.
    let of_the_machine = ["env", "fs", "io", "net", "os", "process", "thread", "time"];
    let from_std = |line: &str| {
        let after = line.split_once("std::").map_or("", |(_, after)| after);
        of_the_machine
            .iter()
            .any(|module| match after.strip_prefix('{') {
                Some(group) => has(group, module),
                None => after.split([':', ';', ' ']).next() == Some(*module),
            })
    };
    for source in sources("src/domain") {
        for (number, line) in source.code() {
            assert!(!from_std(line), "{}:{number}: {line}", source.path);
        }
    }
}

#[test]
fn imports_go_one_way() {
    for (folder, above) in [
        (
            "src/store",
            ["crate::http", "crate::flows", "crate::app", "crate::cli"].as_slice(),
        ),
        ("src/flows", &["crate::http", "crate::cli"]),
        (
            "src/catalog",
            &[
                "crate::http",
                "crate::flows",
                "crate::store",
                "crate::app",
                "crate::cli",
            ],
        ),
        (
            "src/embedded",
            &[
                "crate::http",
                "crate::flows",
                "crate::store",
                "crate::app",
                "crate::domain",
            ],
        ),
        (
            "src/http",
            &[
                "crate::cli",
                "crate::embedded",
                // What is read or written is a flow.
                "Needs",
                "Plans",
                "read_anywhere",
                "write_alone",
            ],
        ),
    ] {
        assert_eq!(places(folder, above), NOTHING, "{folder}");
    }
    // Frameworks stay at their edge.
    let beyond_http = |path: &str| !path.starts_with("src/http/");
    let http = files_with(&["actix_web::HttpResponse", "HttpRequest", "HttpResponse"]);
    assert!(!http.is_empty());
    assert_eq!(
        http.iter().filter(|path| beyond_http(path)).count(),
        0,
        "{http:?}"
    );
    let sql = files_with(&["diesel", "diesel_async"]);
    assert!(
        sql.iter().all(|path| path.starts_with("src/store/")),
        "{sql:?}"
    );
}

#[test]
fn a_request_is_written_in_one_place() {
    let writes = [
        "insert_into(requests::table",
        "update(requests::table",
        "delete(requests::table",
    ];
    assert_eq!(files_with(&writes), NOTHING);
    let raw = [
        "update requests",
        "insert into requests",
        "delete from requests",
    ];
    assert_eq!(files_with(&raw), ["src/store/apply.rs"]);
}

#[test]
fn a_transaction_opens_only_for_units_of_work_and_for_migrations() {
    let opens = [
        "begin_transaction",
        "build_transaction",
        ".transaction(",
        ".transaction::<",
        "begin_test_transaction",
        "\"begin",
        "\"BEGIN",
    ];
    assert_eq!(
        files_with(&opens),
        [
            "src/store/migrations.rs",
            "src/store/mod.rs",
            "src/store/transaction.rs"
        ]
    );
}

#[test]
fn no_file_is_too_long_to_be_read_at_a_sitting() {
    let long: Vec<String> = ["src", "tests"]
        .into_iter()
        .flat_map(sources)
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > 600)
        .map(|(lines, path)| format!("{path} has {lines} lines"))
        .collect();
    assert_eq!(long, NOTHING);
}

#[test]
fn no_file_is_left_out_of_the_build() {
    for source in ["src", "tests", "benches"].into_iter().flat_map(sources) {
        let path = Path::new(&source.path);
        let file = path.file_stem().unwrap().to_str().unwrap();
        let is_root = ["main", "lib"].contains(&file) || path.components().count() == 2;
        // `a/b.rs` and `a/b/mod.rs` are both the module `b` of whoever has the folder `a`.
        let (folder, module) = match (path.parent().unwrap(), file) {
            (folder, "mod") => (
                folder.parent().unwrap(),
                folder.file_name().unwrap().to_str().unwrap(),
            ),
            (folder, file) => (folder, file),
        };
        let line = format!("mod {module};");
        let roots = [
            folder.join("mod.rs"),
            folder.join("lib.rs"),
            folder.join("main.rs"),
            folder.with_extension("rs"),
        ];
        let is_named = roots.iter().any(|root| {
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(root))
                .is_ok_and(|text| text.lines().any(|code| has(code, &line)))
        });
        assert!(is_root || is_named, "no module names {}", source.path);
    }
}

#[test]
fn every_error_code_is_named_by_a_test() {
    let tests: Vec<Source> = sources("tests")
        .into_iter()
        .filter(|source| !source.path.ends_with("architecture.rs"))
        .collect();
    for code in Code::ALL {
        let (word, variant) = (format!("\"{}\"", code.as_str()), format!("Code::{code:?}"));
        let named = tests
            .iter()
            .any(|source| source.text.contains(&word) || has(&source.text, &variant));
        assert!(named, "no test expects {}", code.as_str());
    }
}

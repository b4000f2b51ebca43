//! Files that are written from the code and kept in the repository.

use std::path::Path;

/// Compares a committed file with what the code makes; with `UPDATE_GENERATED` set, writes it.
pub fn compare(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, made).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "{file} is out of date: run `UPDATE_GENERATED=1 cargo test` and review it"
    );
}

//! The committed document of the rules says what the built-in catalogue says.

use std::path::Path;

use engagement_desk::catalog;

#[test]
fn the_committed_document_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/generated/rules.md");
    let generated = catalog::rules_document(&catalog::builtin().expect("a sound catalogue"));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(&path, &generated).expect("the document can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} is not what the catalogue says; write it with UPDATE_GENERATED=1 cargo test rules_document",
        path.display()
    );
}

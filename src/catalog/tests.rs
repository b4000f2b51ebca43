//! Faults of a catalogue file, each with the line it is on.

use super::*;

/// The builtin file with one piece replaced.
fn with(old: &str, new: &str) -> String {
    assert!(
        BUILTIN.contains(old),
        "the builtin catalogue has no {old:?}"
    );
    BUILTIN.replacen(old, new, 1)
}

/// What is wrong with a text, one line each.
fn faults(text: &str) -> Vec<String> {
    match load(text, "catalog.toml") {
        Ok(_) => Vec::new(),
        Err(errors) => errors.to_string().lines().map(str::to_owned).collect(),
    }
}

/// One fault is expected: on the line where `marker` stands, and with these words.
fn check(text: &str, marker: &str, words: &str) {
    let line = text
        .lines()
        .position(|line| line.contains(marker))
        .map(|index| index + 1);
    let line = line.unwrap_or_else(|| panic!("no line has {marker:?}"));
    let faults = faults(text);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(
        faults[0].starts_with(&format!("catalog.toml:{line}: ")),
        "{line}: {faults:#?}"
    );
    assert!(faults[0].contains(words), "{faults:#?}");
}

#[test]
fn the_builtin_catalogue_is_sound() {
    let catalogue = builtin().unwrap_or_else(|errors| panic!("{errors}"));
    let desks: Vec<&str> = catalogue
        .desks()
        .iter()
        .map(|desk| desk.prefix.as_str())
        .collect();
    assert_eq!(desks, ["PAD", "GPS", "TPD"]);
    assert_eq!(catalogue.version().len(), "sha256:".len() + 16);
}

#[test]
fn the_version_changes_with_the_content() {
    let changed = load(&with("draft = 30", "draft = 31"), "x").expect("sound");
    assert_ne!(changed.version(), builtin().expect("sound").version());
    let same = load(BUILTIN, "another name").expect("sound");
    assert_eq!(same.version(), builtin().expect("sound").version());
}

#[test]
fn a_text_that_is_not_toml_is_refused_with_line_and_column() {
    let faults = faults("[labels]\nmotion = = 3\n");
    assert!(faults[0].starts_with("catalog.toml:2:10: "), "{faults:#?}");
}

#[test]
fn an_empty_text_lacks_everything() {
    let faults = faults("");
    for words in [
        "[labels] is missing",
        "[expiry_days] is missing",
        "[[desks]]",
        "[[services]]",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(words)),
            "{words}: {faults:#?}"
        );
    }
}

#[test]
fn every_fault_is_reported_and_not_only_the_first() {
    let text = BUILTIN
        .replacen("draft = 30", "draft = 0", 1)
        .replacen(
            "prefix = \"GPS\"",
            "prefix = \"gps\"\ncolour = \"red\"\nsize = 3",
            1,
        )
        .replacen("most = 3", "most = \"three\"", 1)
        .replacen("hours = 25", "hours = -1", 1);
    let faults = faults(&text);
    for words in [
        "\"draft\"",
        "prefix \"gps\"",
        "colour",
        "size",
        "\"gps.deal_limit\"",
        "-1 hours",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(words)),
            "{words}: {faults:#?}"
        );
    }
    assert_eq!(faults.len(), 6, "{faults:#?}");
    let lines: Vec<usize> = faults
        .iter()
        .filter_map(|fault| fault.split(':').nth(1)?.parse().ok())
        .collect();
    assert!(lines.is_sorted(), "{lines:?}");
}

#[test]
fn a_rule_that_names_an_unknown_service_is_refused() {
    let text = with(
        "services = [\"sales_deal_enablement\"]",
        "services = [\"sales_deal\"]",
    );
    let words = "desk \"gps\": rule \"gps.deal_limit\" names the unknown service \"sales_deal\"";
    check(&text, "services = [\"sales_deal\"]", words);
}

#[test]
fn a_rule_about_a_service_of_another_desk_is_refused() {
    let text = with(
        "services = [\"sales_deal_enablement\"]",
        "services = [\"deployment_review\"]",
    );
    check(
        &text,
        "services = [\"deployment_review\"]",
        "which the desk does not offer",
    );
}

#[test]
fn a_service_that_no_desk_offers_is_refused() {
    let extra = "[[services]]\nid = \"massage\"\nname = \"Massage\"\nsummary = \"Rest.\"\n";
    let text = BUILTIN.to_owned() + extra;
    check(
        &text,
        "id = \"massage\"",
        "service \"massage\" is offered by no desk",
    );
}

#[test]
fn unknown_words_are_refused_where_they_stand() {
    for (old, new, words) in [
        (
            "terms = [\"hotfix\",",
            "terms = [\"hotfx\",",
            "rule \"pad.general_exclusions\" names the unknown work",
        ),
        (
            "channel = \"msrc\"",
            "channel = \"mrsc\"",
            "support routing names the unknown channel \"mrsc\"",
        ),
        (
            "to = \"gps\"",
            "to = \"gsp\"",
            "handover names the unknown desk \"gsp\"",
        ),
        (
            "involves = [\"security_v",
            "involves = [\"secret_v",
            "names the unknown work \"secret_v",
        ),
        (
            "{ channel = \"cloud_en",
            "{ channel = \"clod_en",
            "names the unknown channel \"clod_en",
        ),
        (
            "categories = [\"outage\"",
            "categories = [\"outrage\"",
            "unknown wording \"outrage\"",
        ),
        (
            "allowed = [\"sell_with\"]",
            "allowed = [\"sell\"]",
            "unknown variant `sell`",
        ),
        (
            "kind = \"motion\"",
            "kind = \"motionless\"",
            "unknown variant `motionless`",
        ),
    ] {
        check(&with(old, new), new, words);
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (old, new, words) in [
        (
            "hours = 25\nwaivable",
            "hours = 0\nwaivable",
            "rule \"tpd.hours\": 0 hours is out of range",
        ),
        ("most = 3", "most = 0", "\"most\" has to be from 1 to 1000"),
        (
            "within_days = 90",
            "within_days = 0",
            "0 days is out of range",
        ),
        ("most_digits = 10", "most_digits = 4", "from 1 to 20"),
        (
            "accepted = 60",
            "accepted = 99999",
            "99999 days is out of range",
        ),
        (
            "logged_hours_at_most = 25",
            "logged_hours_at_most = nan",
            "NaN hours is out of range",
        ),
        (
            "decision_business_hours = 24",
            "decision_business_hours = 2",
            "desk \"tpd\": sla",
        ),
    ] {
        let lines = faults(&with(old, new));
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains(words), "{lines:#?}");
    }
}

#[test]
fn a_desk_without_a_rule_it_needs_is_refused() {
    for kind in ["service", "relationship", "customer"] {
        let id = format!("id = \"pad.{kind}\"");
        let start = BUILTIN.find(&id).expect("a rule") - "[[desks.rules]]\n".len();
        let end = start
            + 1
            + BUILTIN[start + 1..]
                .find("[[desks.rules]]")
                .expect("another rule");
        let text = BUILTIN[..start].to_owned() + &BUILTIN[end..];
        check(
            &text,
            "id = \"pad\"",
            &format!("desk \"pad\" needs a rule of kind \"{kind}\""),
        );
    }
}

#[test]
fn a_desk_that_takes_what_must_not_be_kept_is_refused() {
    let text = with(
        "terms = [\"security_vulnerability\"]",
        "terms = [\"sales_pipeline_planning\"]",
    );
    check(
        &text,
        "id = \"pad\"",
        "desk \"pad\" has to refuse \"security_vulnerability\"",
    );
}

#[test]
fn prefixes_and_ids_are_each_used_once() {
    let lines = faults(&with("prefix = \"GPS\"", "prefix = \"TPD\""));
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(
        lines[0].contains("the prefix \"TPD\" is another desk's already"),
        "{lines:#?}"
    );
    let twice = [
        (
            "id = \"gps.motion\"",
            "id = \"gps.service\"",
            "the rule id \"gps.service\" is taken already",
        ),
        (
            "id = \"msrc\"",
            "id = \"premier_support\"",
            "channel \"premier_support\" is there twice",
        ),
        (
            "\"hotfix\", \"staff_augmentation\"]",
            "\"hotfix\", \"hotfix\"]",
            "refuses \"hotfix\" again",
        ),
    ];
    for (old, new, words) in twice {
        let lines = faults(&with(old, new));
        assert!(
            lines.iter().any(|line| line.contains(words)),
            "{words}: {lines:#?}"
        );
    }
    check(
        &with("id = \"gps.motion\"", "id = \"pad.move\""),
        "pad.move",
        "has to begin with \"gps.\"",
    );
}

#[test]
fn the_support_routing_ends_with_a_row_that_always_applies() {
    let text = with(
        "channel = \"partner_center_support\"\nreason",
        "channel = \"partner_center_support\"\nwhen = { member = false }\nreason",
    );
    let lines = faults(&text);
    assert!(
        lines.len() == 1 && lines[0].contains("the last row has to apply always"),
        "{lines:#?}"
    );
    let text = with("when = { member = true }\n", "");
    let lines = faults(&text);
    assert!(
        lines.len() == 1 && lines[0].contains("no row after it is ever reached"),
        "{lines:#?}"
    );
}

#[test]
fn what_is_never_a_matter_of_judgement_cannot_be_made_waivable() {
    let text = with(
        "accepts = [\"named\"]",
        "accepts = [\"named\"]\nwaivable = true",
    );
    check(
        &text,
        "waivable = true",
        "kind \"customer\" can never be waived",
    );
    let secret = "terms = [\"security_vulnerability\"]";
    let text = with(secret, &format!("{secret}\nwaivable = true"));
    check(
        &text,
        "waivable = true",
        "a refusal of \"security_vulnerability\" can never be waived",
    );
}

#[test]
fn a_word_without_a_name_is_refused() {
    check(
        &with("urgent = \"urgent\"\n", ""),
        "[labels.priority]",
        "no name for \"urgent\"",
    );
}

#[test]
fn a_fault_in_an_entry_is_not_reported_again_where_the_entry_is_named() {
    let text = with("name = \"Hackathon\"", "name = 3");
    check(&text, "name = 3", "service \"hackathon\"");
}

#[test]
fn an_unreadable_file_says_so() {
    let missing = load_file(Path::new("/nowhere/catalog.toml")).expect_err("no such file");
    assert!(
        missing
            .to_string()
            .starts_with("/nowhere/catalog.toml: the file cannot be read")
    );
}

//! Title and description do not sound like support work. Only ever a hint: it never refuses.

use super::super::case::Case;
use super::super::report::Page;
use super::Quoted;

pub(super) fn check<'a>(categories: &'a [String], case: &Case<'a>, page: &mut Page<'a, '_>) {
    let (title, description) = (case.reading.title(), case.reading.description());
    let mut warned = false;
    for (index, wording) in case.catalogue().wordings().iter().enumerate() {
        if !categories.contains(&wording.id) {
            continue;
        }
        let words = || title.of(index).chain(description.of(index));
        if words().next().is_none() {
            continue;
        }
        let in_title = title.of(index).next().is_some();
        page.warn(
            if in_title { "/title" } else { "/description" },
            format_args!(
                "This sounds like {}, which is support and not an engagement: {}. A person will look.",
                wording.name,
                Quoted(words())
            ),
        );
        warned = true;
    }
    if !warned {
        page.pass(format_args!(
            "Nothing in the text sounds like support work."
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::given::request_at;

    #[test]
    fn words_that_sound_like_an_outage_are_named_and_nothing_is_refused() {
        let given = request_at("pad").with(|facts| {
            facts.description = Some("The portal is DOWN and shows an error message.".to_owned());
        });
        let decision = given.decide();
        let warnings: Vec<_> = decision
            .rules
            .iter()
            .filter(|rule| rule.rule == "pad.wording")
            .map(|rule| (rule.pointer.as_deref(), rule.message.as_str()))
            .collect();
        assert_eq!(warnings.len(), 2, "{warnings:#?}");
        assert_eq!(warnings[0].0, Some("/description"));
        assert!(warnings[0].1.contains("an outage") && warnings[0].1.contains("\"is down\""));
        assert!(decision.eligible);
    }

    #[test]
    fn the_title_is_read_too() {
        let given = request_at("tpd").with(|facts| facts.title = Some("Hotfix wanted".to_owned()));
        given.warns("tpd.wording", "/title");
    }

    #[test]
    fn ordinary_words_raise_nothing() {
        let given = request_at("gps")
            .with(|facts| facts.description = Some("High availability design".to_owned()));
        given.passes("gps.wording");
    }
}

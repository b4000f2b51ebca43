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

//! Texts that stand in lists: how long each may be, and how the document says so.
//!
//! `validator` judges the length of a list, not that of its entries. A list of texts in a request
//! type names a rule of this file, and its schema the type that goes with it:
//! `#[validate(custom(function = parse::words))] #[schema(value_type = Option<Vec<CatalogueWord>>)]`.

use utoipa::ToSchema;
use validator::ValidationError;

/// An id of the catalogue in force, see `GET /v1/catalog`.
#[derive(ToSchema)]
#[schema(pattern = "^[a-z][a-z0-9_]*$", min_length = 1, max_length = 64)]
#[expect(dead_code, reason = "it is there for its schema")]
pub struct CatalogueWord(String);

/// A short text.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 200)]
#[expect(dead_code, reason = "it is there for its schema")]
pub struct ShortText(String);

/// Each text has 1 to 64 characters, as a [`CatalogueWord`] has.
///
/// # Errors
/// The first that has not.
pub fn words(texts: &[String]) -> Result<(), ValidationError> {
    lengths(texts, 64)
}

/// Each text has 1 to 200 characters, as a [`ShortText`] has.
///
/// # Errors
/// The first that has not.
pub fn short_texts(texts: &[String]) -> Result<(), ValidationError> {
    lengths(texts, 200)
}

fn lengths(texts: &[String], most: usize) -> Result<(), ValidationError> {
    let fits = |text: &String| (1..=most).contains(&text.chars().count());
    match texts.iter().position(|text| !fits(text)) {
        None => Ok(()),
        Some(index) => {
            let mut error = ValidationError::new("length");
            error.add_param("member".into(), &index);
            error.add_param("min".into(), &1);
            error.add_param("max".into(), &most);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_text_of_a_wrong_length_is_named() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(words(&texts(&["a", &"é".repeat(64)])).is_ok());
        assert!(short_texts(&[]).is_ok());
        for (list, index) in [(["a", ""], 1), ([&"x".repeat(65), ""], 0)] {
            let error = words(&texts(&list)).unwrap_err();
            assert_eq!(error.params["member"], index);
        }
    }
}

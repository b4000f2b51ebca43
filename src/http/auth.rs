//! Who is asking: found out before the body is read, and handed to handlers as an argument.

use std::future::{Ready, ready};
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::Http;
use super::codes::Code;
use super::problem::Problem;
use super::proxies::client_address;
use crate::domain::actor::Caller;
use crate::domain::rights::{self, Action};

/// Tells whose token it is.
pub trait Authenticator: Send + Sync {
    /// The caller, or [`Problem::unauthenticated`]. Any other problem, such as a database that
    /// can't be reached, is passed on.
    fn authenticate<'a>(&'a self, token: &'a str) -> LocalBoxFuture<'a, Result<Caller, Problem>>;
}

/// The caller of an endpoint that needs one. A handler without this argument can't know who asks.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Caller);

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        ready(caller.map(Self).ok_or_else(Problem::unauthenticated))
    }
}

/// The caller of a request. Tokens that open nothing are counted by the address they come from, so
/// that trying many takes long; a request without any token tries nothing.
pub(super) async fn authenticate(http: &Http, request: &HttpRequest) -> Result<Caller, Problem> {
    let token = bearer(request.headers()).ok_or_else(Problem::unauthenticated)?;
    let address = client_address(request);
    if let Some(address) = address {
        http.quotas.may_authenticate(address, Instant::now())?;
    }
    let problem = match http.authenticator.authenticate(token).await {
        Ok(caller) => return Ok(caller),
        Err(problem) if problem.code() == Code::Unauthenticated => Problem::unauthenticated(),
        Err(problem) => return Err(problem),
    };
    if let Some(address) = address {
        http.quotas.failed_to_authenticate(address, Instant::now());
    }
    Err(problem)
}

/// Refuses a caller whose key is limited to other scopes than these actions need, after RFC 6750. It is
/// told so whatever it asks for, so it learns nothing of what there is.
pub(super) fn within_scopes(request: &HttpRequest, actions: &[Action]) -> Result<(), Problem> {
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>();
    match caller.and_then(|caller| rights::lacks(caller, actions)) {
        None => Ok(()),
        Some(scope) => Err(Problem::new(Code::ActionForbidden)
            .detail(format!(
                "The API key is limited, and the scope {scope} is not among those it has."
            ))
            .header(
                header::WWW_AUTHENTICATE,
                &format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""),
            )),
    }
}

/// The token of `Authorization: Bearer`, given once and in the letters a token may have.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_matches(' ');
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let good =
        scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(letters);
    good.then_some(token)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_one_well_formed_bearer_token_counts() {
        let token = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(
            token(&["Bearer abc.d-e_f~+/="]).as_deref(),
            Some("abc.d-e_f~+/=")
        );
        assert_eq!(token(&["bearer   abc"]).as_deref(), Some("abc"));
        for bad in [
            "Bearer",
            "Bearer ",
            "Basic abc",
            "Bearer a b",
            "abc",
            "Bearer \"abc\"",
        ] {
            assert_eq!(token(&[bad]), None, "{bad}");
        }
        assert_eq!(token(&["Bearer a", "Bearer a"]), None);
    }
}

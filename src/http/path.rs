//! Ids in paths: one that can't be an id is as unknown as one that isn't there.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The variable parts of a path: one value, a tuple, or a struct with their names.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts = request.match_info();
        let clean = parts
            .iter()
            .all(|(_, part)| !part.contains('\0') && !part.contains("%00"));
        let read = web::Path::<T>::from_request(request, payload).into_inner();
        ready(match read {
            Ok(read) if clean => Ok(Self(read.into_inner())),
            _ => Err(Problem::not_found()),
        })
    }
}

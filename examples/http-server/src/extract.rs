//! A JSON body, the name of a source in the path, a query behind it: or an error that says what is wrong with it.

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;

use crate::{error::ApiError, refusal::Refusal, state::AppState};

/// The largest body: 2 MB hold a schema of some 30,000 columns.
pub(crate) const MAX_BODY: usize = 2_000_000;

/// A body of JSON, whatever its content type says: `curl -d` says it is a form.
///
/// Browsers cannot abuse that: requests on behalf of other sites end before they get here.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let body = request.into_body();
        let patience = state.config().request.body_timeout;
        let bytes = tokio::time::timeout(patience, read(body)).await.map_err(|_| Refusal::BodyTimeout)??;
        Ok(Self(parse(&bytes)?))
    }
}

/// The source that the path names.
#[derive(Debug)]
pub(crate) struct SourceName(pub(crate) String);

impl FromRequestParts<AppState> for SourceName {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let path = Path::from_request_parts(head, state).await;
        let Path(name) = path.map_err(|_| {
            Refusal::BadBody(
                "the name of the source in the path is not UTF-8 behind its percent signs".to_owned(),
            )
        })?;
        Ok(Self(name))
    }
}

/// What stands behind the path.
#[derive(Debug)]
pub(crate) struct UrlQuery<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for UrlQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(head, state).await;
        let Query(query) = query.map_err(|error| {
            Refusal::BadBody(format!("the query of the URL does not fit: {}", error.body_text()))
        })?;
        Ok(Self(query))
    }
}

async fn read(mut body: Body) -> Result<Bytes, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BODY {
        return Err(Refusal::BodyTooLarge);
    }
    // Announcing is free; only what arrives may cost memory.
    let mut bytes = BytesMut::with_capacity(announced.min(64 << 10));
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Refusal::BadBody("the body ended before it was complete".to_owned()))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > MAX_BODY {
            return Err(Refusal::BodyTooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let bad = |text: String| Refusal::BadBody(text);
    let text = str::from_utf8(bytes)
        .map_err(|error| bad(format!("the body is not UTF-8: the byte at offset {}", error.valid_up_to())))?;
    match text.trim_start().chars().next() {
        None => return Err(bad("the body is empty; send a JSON object".to_owned())),
        // Not left to serde, whose message would repeat the value, which may be a secret.
        Some(first) if first != '{' => return Err(bad("the body is not a JSON object".to_owned())),
        Some(_) => {}
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if !error.is_data() {
            bad(format!("the body is not valid JSON: {error}"))
        } else if path == "." {
            bad(format!("the body does not fit: {error}"))
        } else {
            bad(format!("the body does not fit at `{path}`: {error}"))
        }
    })?;
    reader.end().map_err(|error| bad(format!("the body is not one JSON object: {error}")))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use helios_core::Column;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Shape {
        table_name: String,
        #[serde(default)]
        schema: Vec<Column>,
    }

    #[track_caller]
    fn refused(body: &[u8]) -> String {
        match parse::<Shape>(body) {
            Err(Refusal::BadBody(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (body, says) in [
            (&b""[..], "the body is empty"),
            (b" \n", "the body is empty"),
            (b"null", "not a JSON object"),
            (b"[]", "not a JSON object"),
            (b"tableName=x", "not a JSON object"),
            (b"\xff", "not UTF-8: the byte at offset 0"),
            (b"{\"tableName\": \"\xc3\x28\"}", "not UTF-8: the byte at offset 15"),
            (b"{\"tableName\": ", "not valid JSON: EOF while parsing a value at line 1 column 14"),
            (b"{'tableName': 1}", "not valid JSON: key must be a string at line 1 column 2"),
            (b"{}", "missing field `tableName`"),
            (b"{\"tableName\": \"x\", \"colour\": 1}", "unknown field `colour`, expected"),
            (b"{\"tableName\": 5}", "at `tableName`: invalid type: integer `5`, expected a string"),
            (b"{\"tableName\": null}", "at `tableName`: invalid type: null, expected a string"),
            (b"{\"tableName\": \"x\", \"tableName\": \"y\"}", "duplicate field `tableName`"),
            (
                b"{\"tableName\": \"x\", \"schema\": [{\"name\": \"a\"}]}",
                "at `schema[0]`: missing field `type`",
            ),
            (b"{\"tableName\": \"x\"} {}", "not one JSON object: trailing characters at line 1 column 20"),
        ] {
            let text = refused(body);
            assert!(text.contains(says), "{} → {text}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn depth_is_limited() {
        let body = format!("{{\"schema\": {}", "[".repeat(1_000_000));
        assert!(!refused(body.as_bytes()).is_empty());
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_read_to_the_limit_only() {
        let chunk = Bytes::from(vec![b' '; 500_000]);
        let chunks = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        let endless = Body::from_stream(chunks);
        assert_eq!(read(endless).await, Err(Refusal::BodyTooLarge));
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_limit_is_taken() {
        let bytes = read(Body::from(vec![b' '; MAX_BODY])).await.unwrap();
        assert_eq!(bytes.len(), MAX_BODY);
        let larger = Body::from(vec![b' '; MAX_BODY + 1]);
        assert_eq!(read(larger).await, Err(Refusal::BodyTooLarge));
    }
}

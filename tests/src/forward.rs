//! A request that goes on to a server, as it came.

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};

use crate::Result;

/// Sends a request on, and brings the answer back.
pub(crate) async fn forward(
    client: &reqwest::Client,
    to: &str,
    head: &axum::http::request::Parts,
    body: Bytes,
) -> Result<Response> {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = HeaderMap::new();
    for (name, value) in &head.headers {
        if name != header::HOST && name != header::CONTENT_LENGTH {
            headers.append(name, value.clone());
        }
    }
    let request = client.request(head.method.clone(), format!("{to}{path}"));
    let answer = request.headers(headers).body(body).send().await?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    Ok((status, headers, answer.bytes().await?).into_response())
}

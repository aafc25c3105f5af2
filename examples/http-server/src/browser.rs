//! What browsers are protected from: other sites that send requests in their name, or take the server's name.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use crate::{ServerConfig, error::ApiError, refusal::Refusal, state::AppState};

/// The headers that OWASP asks of an API. Nothing here is ever a page.
pub(crate) const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Refuses what a browser sends on behalf of another site.
pub(crate) fn refuse_cross_site() -> CsrfLayer<impl Fn(ProtectionError) -> Response + Clone> {
    CsrfLayer::new()
        .with_rejection_response(|_: ProtectionError| ApiError::from(Refusal::CrossSite).into_response())
}

/// Refuses names that are not the server's: a site may point its own name at this machine (DNS rebinding), and would
/// then count as the same origin.
pub(crate) async fn refuse_foreign_host(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    if request.version() == Version::HTTP_11 && !request.headers().contains_key(header::HOST) {
        return ApiError::from(Refusal::BadRequest("HTTP/1.1 needs a Host header")).into_response();
    }
    if answers_to(state.config(), request.headers()) {
        next.run(request).await
    } else {
        ApiError::from(Refusal::ForeignHost).into_response()
    }
}

fn answers_to(config: &ServerConfig, headers: &HeaderMap) -> bool {
    if !config.is_local() && config.allowed_hosts.is_empty() {
        return true;
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        // Browsers always send one.
        (None, _) => true,
        (Some(host), None) => {
            host_of(host).is_some_and(|host| is_loopback(&host) || config.allowed_hosts.contains(&host))
        }
        (Some(_), Some(_)) => false,
    }
}

/// The name without its port, in small letters, addresses without brackets.
fn host_of(value: &HeaderValue) -> Option<String> {
    let authority: Authority = value.to_str().ok()?.parse().ok()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn answers(args: &[&str], host: &'static str) -> bool {
        let config = ServerConfig::parse_from(["helios-server"].iter().chain(args));
        answers_to(&config, &HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]))
    }

    #[test]
    fn a_local_server_answers_to_local_names() {
        for host in
            ["localhost", "LOCALHOST:8080", "helios.localhost:1", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080"]
        {
            assert!(answers(&[], host), "{host}");
        }
    }

    #[test]
    fn a_local_server_answers_to_no_other_name() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "notlocalhost",
            "",
            "a b",
        ] {
            assert!(!answers(&[], host), "{host}");
        }
    }

    #[test]
    fn the_operator_allows_more() {
        assert!(answers(&["--allowed-host", "helios.example"], "helios.example:443"));
        assert!(!answers(&["--allowed-host", "helios.example"], "evil.example"));
    }

    #[test]
    fn a_public_server_answers_to_all_until_told() {
        assert!(answers(&["--addr", "0.0.0.0:80"], "anything.example"));
        let told = ["--addr", "0.0.0.0:80", "--allowed-host", "helios.example"];
        assert!(answers(&told, "helios.example") && !answers(&told, "evil.example"));
    }

    #[test]
    fn two_hosts_are_none() {
        let config = ServerConfig::parse_from(["helios-server"]);
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(!answers_to(&config, &headers));
    }
}

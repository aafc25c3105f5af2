//! What browsers are protected from: other sites that send requests in their name, or take the server's name.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Uri, Version, header, uri::Authority},
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

/// Refuses what a browser sends on behalf of another site, unless it only reads.
pub(crate) fn refuse_cross_site() -> CsrfLayer<impl Fn(ProtectionError) -> Response + Clone> {
    CsrfLayer::new()
        .with_rejection_response(|_: ProtectionError| ApiError::from(Refusal::CrossSite).into_response())
}

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Refuses what only reads, too, if a browser sends it on behalf of another site: that site could not see the answer, but its page
/// could make the server work, and guess from the time that this takes. A link to what everybody may see is followed.
pub(crate) async fn refuse_cross_site_reading(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/api/") && is_cross_site(request.headers()) {
        return ApiError::from(Refusal::CrossSite).into_response();
    }
    next.run(request).await
}

/// Whether a browser says so. Programs send neither of these headers.
fn is_cross_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site != "same-origin" && site != "none";
    }
    // Browsers without that header.
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let authority = |value: &HeaderValue| value.to_str().ok().map(str::to_ascii_lowercase);
    let origin = authority(origin).and_then(|origin| Some(origin.split_once("://")?.1.to_owned()));
    origin.is_none() || origin != headers.get(header::HOST).and_then(authority)
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
    if let Err(refusal) = check_target(state.config(), request.uri(), request.headers()) {
        return ApiError::from(refusal).into_response();
    }
    if answers_to(state.config(), request.headers()) {
        next.run(request).await
    } else {
        ApiError::from(Refusal::ForeignHost).into_response()
    }
}

/// A target that names a host, `GET http://host/`, which counts instead of `Host` (RFC 9112, 3.2.2). A client has to send the same in
/// both; where they differ, a proxy may have looked at the other one.
fn check_target(config: &ServerConfig, target: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(authority) = target.authority() else { return Ok(()) };
    if !is_own(config, &name_of(authority)) {
        return Err(Refusal::ForeignHost);
    }
    let Some(host) = headers.get(header::HOST) else { return Ok(()) };
    if host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) {
        return Ok(());
    }
    Err(Refusal::BadRequest("the host of the request's target and the Host header differ"))
}

fn answers_to(config: &ServerConfig, headers: &HeaderMap) -> bool {
    if answers_to_all(config) {
        return true;
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        // Browsers always send one.
        (None, _) => true,
        (Some(host), None) => host_of(host).is_some_and(|host| is_own(config, &host)),
        (Some(_), Some(_)) => false,
    }
}

fn answers_to_all(config: &ServerConfig) -> bool {
    !config.is_local() && config.allowed_hosts.is_empty()
}

fn is_own(config: &ServerConfig, host: &str) -> bool {
    answers_to_all(config) || is_loopback(host) || config.allowed_hosts.iter().any(|allowed| allowed == host)
}

fn host_of(value: &HeaderValue) -> Option<String> {
    Some(name_of(&value.to_str().ok()?.parse().ok()?))
}

/// The name without its port, in small letters, addresses without brackets.
fn name_of(authority: &Authority) -> String {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.trim_end_matches('.').to_ascii_lowercase()
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
    fn the_host_of_the_target_counts_and_host_must_be_the_same() {
        let check = |args: &[&str], target: &'static str, host: Option<&'static str>| {
            let config = ServerConfig::parse_from(["helios-server"].iter().chain(args));
            let host = host.map(|host| (header::HOST, HeaderValue::from_static(host)));
            check_target(&config, &Uri::from_static(target), &host.into_iter().collect())
        };
        let differs = Refusal::BadRequest("the host of the request's target and the Host header differ");
        let public: &[&str] = &["--addr", "0.0.0.0:80"];
        for (args, target, host, expected) in [
            (&[][..], "/healthz", Some("evil.example"), Ok(())),
            (&[], "http://localhost:8080/healthz", Some("LOCALHOST:8080"), Ok(())),
            (&[], "http://[::1]:8080/", Some("[::1]:8080"), Ok(())),
            (&[], "http://localhost/", None, Ok(())),
            (&[], "http://evil.example/", Some("localhost"), Err(Refusal::ForeignHost)),
            (&[], "http://evil.example/", None, Err(Refusal::ForeignHost)),
            (&[], "http://localhost@evil.example/", Some("localhost"), Err(Refusal::ForeignHost)),
            (&[], "evil.example:80", Some("localhost"), Err(Refusal::ForeignHost)),
            (&[], "http://localhost/", Some("evil.example"), Err(differs.clone())),
            (&[], "http://localhost:1/", Some("localhost:2"), Err(differs.clone())),
            (&[], "http://evil.example@localhost/", Some("localhost"), Err(differs.clone())),
            (public, "http://one.example/", Some("one.example"), Ok(())),
            (public, "http://one.example/", Some("two.example"), Err(differs.clone())),
        ] {
            assert_eq!(check(args, target, host), expected, "{target} {host:?}");
        }
    }

    #[test]
    fn another_site_is_known_by_what_browsers_say() {
        let says = |headers: &[(&'static str, &'static str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_cross_site(&headers.collect())
        };
        let host = ("host", "localhost:8080");
        for own in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")],
            &[host, ("sec-fetch-site", "none")],
            &[host, ("origin", "http://LOCALHOST:8080")],
        ] {
            assert!(!says(own), "{own:?}");
        }
        for foreign in [
            &[host, ("sec-fetch-site", "cross-site")][..],
            &[host, ("sec-fetch-site", "same-site"), ("origin", "http://localhost:8080")],
            &[host, ("sec-fetch-site", "")],
            &[host, ("origin", "http://localhost:3000")],
            &[host, ("origin", "null")],
            &[("origin", "http://localhost:8080")],
        ] {
            assert!(says(foreign), "{foreign:?}");
        }
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

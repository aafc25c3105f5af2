//! Who is let in to what.

use sha2::{Digest as _, Sha256};

use super::*;
use crate::{role::Role, tokens::Tokens};

#[tokio::test]
async fn without_a_session_aws_is_out_of_reach() {
    let state = state(&[]);
    let made_up = [("cookie", "helios_session=0123456789abcdef0123456789abcdef")];
    for headers in [&[][..], &[("cookie", "helios_session=")], &made_up] {
        get_from(&state, "/api/sources", headers).await.is_error(401, "unauthenticated");
        get_from(&state, "/api/streams", headers).await.is_error(401, "unauthenticated");
        for (path, _) in OF_SESSIONS {
            post_to(&state, path, headers, "{}").await.is_error(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn a_session_lets_in_until_it_is_ended() {
    let state = state(&[]);
    let cookie = cookie_of(&state);
    let headers = [("cookie", cookie.as_str())];
    // 400 is beyond the check of the session.
    post_to(&state, "/api/create-table", &headers, "{}").await.is_error(400, "invalid_input");
    let answer = post_to(&state, "/api/logout", &headers, "").await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({"authenticated": false})));
    assert!(answer.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    post_to(&state, "/api/create-table", &headers, "{}").await.is_error(401, "unauthenticated");
}

#[tokio::test]
async fn the_operator_may_let_all_in_but_no_ended_session() {
    let state = state(&["--run-as-operator"]);
    post_to(&state, "/api/create-table", &[], "{}").await.is_error(400, "invalid_input");
    let ended = [("cookie", "helios_session=0123456789abcdef0123456789abcdef")];
    post_to(&state, "/api/create-table", &ended, "{}").await.is_error(401, "unauthenticated");
}

#[tokio::test]
async fn clickhouse_is_open_to_this_machine_only() {
    let public = state(&["--addr", "0.0.0.0:8080"]);
    let cookie = cookie_of(&public);
    for path in ["/api/databases", "/api/engine"] {
        get_from(&state(&[]), path, &[]).await.is_error(503, "unavailable");
        get_from(&public, path, &[]).await.is_error(401, "unauthenticated");
        get_from(&public, path, &[("cookie", &cookie)]).await.is_error(503, "unavailable");
    }
    for (path, _) in OF_READERS {
        // 400 is beyond the check of who asks.
        post_to(&state(&[]), path, &[], "{}").await.is_error(400, "invalid_input");
        post_to(&public, path, &[], "{}").await.is_error(401, "unauthenticated");
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_checked_begin_no_session() {
    let state = state(&[]);
    let body = r#"{"accessKey": "AKIAIOSFODNN7EXAMPLE", "secretKey": "wJalrXUtnFEMI"}"#;
    let answer = post_to(&state, "/api/authenticate", &[], body).await;
    answer.is_error(503, "unavailable");
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
    assert_eq!(format!("{:?}", state.sessions()), "Sessions { open: 0, .. }");
}

#[tokio::test]
async fn logins_of_an_address_are_limited() {
    let state = state(&["--max-logins-per-minute", "2"]);
    let body = r#"{"accessKey": "AKIAIOSFODNN7EXAMPLE", "secretKey": "wJalrXUtnFEMI"}"#;
    for _ in 0..2 {
        post_to(&state, "/api/authenticate", &[], body).await.is_error(503, "unavailable");
    }
    let answer = post_to(&state, "/api/authenticate", &[], body).await;
    answer.is_error(429, "limit_exceeded");
    let wait: u64 = answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=31).contains(&wait), "{wait}");
}

/// What each role may call, by what answers: 401 and 403 come before all else.
#[tokio::test]
async fn each_role_may_call_what_is_its_own() {
    let hash =
        |token: &str| Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines = Role::ALL.map(|role| format!("{role} {role} {}", hash(role.as_str()))).join("\n");
    for args in [&[][..], &["--addr", "0.0.0.0:8080"]] {
        let state = state(args).with_tokens(Tokens::read(&lines).unwrap());
        for (path, needed, _) in endpoints() {
            let path = path.replace("{source}", "clicks");
            let method = match path.as_str() {
                "/api/sources/clicks" => Method::DELETE,
                "/api/engine" | "/api/databases" | "/api/streams" | "/api/sources" | "/api/doctor" => {
                    Method::GET
                }
                _ => Method::POST,
            };
            let ask = async |authorization: Option<&str>| {
                let headers: Vec<_> =
                    authorization.map(|value| ("authorization", value)).into_iter().collect();
                send(app(state.clone()), request(method.clone(), &path, &headers, "{}")).await
            };
            for wrong in [None, Some("Bearer wrong"), Some("Basic cmVhZDpyZWFk")] {
                let answer = ask(wrong).await;
                answer.is_error(401, "unauthenticated");
                assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer", "{path}");
            }
            for role in Role::ALL {
                let answer = ask(Some(&format!("Bearer {role}"))).await;
                let is_refused = answer.status == StatusCode::FORBIDDEN;
                assert_eq!(is_refused, role < needed, "{path} {role}: {}", answer.body);
                assert!(!answer.headers.contains_key(header::WWW_AUTHENTICATE), "{path} {role}");
            }
        }
        // Nobody needs a session to read ClickHouse then, and nobody gets AWS without one.
        let read = [("authorization", "Bearer read")];
        get_from(&state, "/api/databases", &read).await.is_error(503, "unavailable");
        get_from(&state, "/api/sources", &read).await.is_error(401, "unauthenticated");
        for path in ["/healthz", "/openapi.json"] {
            assert_eq!(get_from(&state, path, &[]).await.status, StatusCode::OK);
        }
        // ClickHouse is not there.
        let answer = get_from(&state, "/readyz", &[]).await;
        answer.is_error(503, "unavailable");
        assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    }
}

/// A table in `docs/serving.md` says what each role may call.
#[test]
fn the_documentation_has_every_endpoint_in_one_role() {
    let document = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/serving.md"));
    for role in Role::ALL {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{role}` |"))).unwrap();
        let mut named: Vec<_> = row.split('`').filter(|word| word.starts_with("/api/")).collect();
        let mut expected: Vec<_> =
            endpoints().into_iter().filter(|(_, needed, _)| *needed == role).map(|(path, ..)| path).collect();
        named.sort_unstable();
        expected.sort_unstable();
        assert_eq!(named, expected, "{role}");
    }
}

#[tokio::test]
async fn other_sites_are_refused() {
    let state = state(&[]);
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://evil.example")],
        &[("origin", "http://localhost:3000")],
        &[("origin", "null")],
    ] {
        post_to(&state, "/api/query", headers, "{}").await.is_error(403, "cross_site");
        get_from(&state, "/api/databases", headers).await.is_error(403, "cross_site");
        // A link to what everybody may see.
        for path in ["/healthz", "/openapi.json"] {
            assert_eq!(get_from(&state, path, headers).await.status, StatusCode::OK);
        }
    }
    for headers in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("sec-fetch-site", "none")],
        &[("origin", "http://localhost:8080")],
    ] {
        post_to(&state, "/api/query", headers, "{}").await.is_error(400, "invalid_input");
        get_from(&state, "/api/databases", headers).await.is_error(503, "unavailable");
    }
}

#[tokio::test]
async fn a_stolen_name_is_refused() {
    let request =
        Request::builder().uri("/api/databases").header("host", "evil.example").body(Body::empty()).unwrap();
    send(app(state(&[])), request).await.is_error(421, "foreign_host");
    // In the target it counts, whatever `Host` says.
    for path in ["/healthz", "/openapi.json", "/api/databases"] {
        let target = format!("http://evil.example{path}");
        get_from(&state(&[]), &target, &[]).await.is_error(421, "foreign_host");
        let other = format!("http://localhost:1{path}");
        get_from(&state(&[]), &other, &[]).await.is_error(400, "invalid_input");
    }
    let same = get_from(&state(&[]), "http://localhost:8080/healthz", &[]).await;
    assert_eq!(same.status, StatusCode::OK);
}

/// A proxy may have looked at the one, and the server at the other.
#[tokio::test]
async fn two_authorizations_are_none() {
    let hash: String = Sha256::digest("canary").iter().map(|byte| format!("{byte:02x}")).collect();
    let state = state(&[]).with_tokens(Tokens::read(&format!("admin ann {hash}")).unwrap());
    let right = ("authorization", "Bearer canary");
    get_from(&state, "/api/databases", &[right]).await.is_error(503, "unavailable");
    for headers in [
        [right, ("authorization", "Bearer wrong")],
        [("authorization", "Basic d3Jvbmc6d3Jvbmc="), right],
        [right, right],
    ] {
        get_from(&state, "/api/databases", &headers).await.is_error(401, "unauthenticated");
    }
}

//! Who may call which endpoint.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{
    app::Endpoint,
    audit::{Audit, explain},
    config::AccessArgs,
    error::ApiError,
    refusal::Refusal,
    role::Role,
    state::AppState,
    tokens::Tokens,
};

/// The address at the other end of the connection: the proxy's, if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The role of a request, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) role: Role,
    /// The name of the token.
    pub(crate) name: Option<String>,
    /// Whether a trusted proxy named the role.
    is_from_proxy: bool,
}

impl Granted {
    const ANONYMOUS: Self = Self { role: Role::Admin, name: None, is_from_proxy: false };

    /// The caller's name in the log.
    pub(crate) fn caller(&self) -> Option<String> {
        let name = self.name.as_ref().map(|name| format!("token:{name}"));
        name.or_else(|| self.is_from_proxy.then(|| "proxy".to_owned()))
    }
}

/// Passes a request on if its role is high enough for the endpoint.
pub(crate) async fn admit(
    State((state, endpoint)): State<(AppState, Endpoint)>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let granted = granted(&state.config().access, state.tokens(), request.headers(), peer);
    let audit = Audit::begin(&state, endpoint, granted.as_ref(), &request);
    let response = match granted {
        Ok(granted) if granted.role >= endpoint.role => {
            request.extensions_mut().insert(granted);
            next.run(request).await
        }
        Ok(_) => ApiError::from(Refusal::RoleTooLow(endpoint.role)).into_response(),
        Err(refusal) => ApiError::from(refusal).into_response(),
    };
    explain(endpoint, &response);
    audit.end(&response);
    response
}

/// The role of a request. Without tokens and without a trusted proxy every caller may do everything.
fn granted(
    rules: &AccessArgs,
    tokens: &Tokens,
    headers: &HeaderMap,
    peer: Option<Peer>,
) -> Result<Granted, Refusal> {
    if tokens.is_empty() && rules.trusted_role_header.is_none() {
        return Ok(Granted::ANONYMOUS);
    }
    if let Some(token) = bearer(headers)? {
        let (role, name) = tokens.find(token).ok_or(Refusal::NotAdmitted)?;
        return Ok(Granted { role, name: Some(name.to_owned()), is_from_proxy: false });
    }
    let Some(header) = &rules.trusted_role_header else { return Err(Refusal::NotAdmitted) };
    if !peer.is_some_and(|Peer(peer)| rules.trusted_proxies.contains(&peer.to_canonical())) {
        return Err(Refusal::NotAdmitted);
    }
    let mut values = headers.get_all(header).iter();
    // Of two, one may be what the client sent.
    match (values.next(), values.next()) {
        (Some(value), None) => {
            let role = value.to_str().ok().and_then(|text| text.parse().ok()).ok_or(Refusal::NotAdmitted)?;
            Ok(Granted { role, name: None, is_from_proxy: true })
        }
        _ => Err(Refusal::NotAdmitted),
    }
}

/// The token of `Authorization: Bearer`, if there is one.
fn bearer(headers: &HeaderMap) -> Result<Option<&[u8]>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.as_bytes(),
        // Of two, a proxy may have looked at the other.
        (Some(_), Some(_)) => return Err(Refusal::NotAdmitted),
    };
    let token = value.split_at_checked(b"Bearer ".len());
    Ok(token
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Bearer "))
        .map(|(_, token)| token.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use sha2::{Digest as _, Sha256};

    use super::*;

    const ROLE: HeaderName = HeaderName::from_static("x-role");

    fn tokens() -> Tokens {
        let hash: String = Sha256::digest("canary").iter().map(|byte| format!("{byte:02x}")).collect();
        Tokens::read(&format!("operate ann {hash}")).unwrap()
    }

    fn behind_proxy() -> AccessArgs {
        AccessArgs {
            trusted_role_header: Some(ROLE),
            trusted_proxies: vec![[10, 0, 0, 7].into()],
            ..AccessArgs::default()
        }
    }

    fn headers(headers: &[(HeaderName, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn without_rules_every_caller_may_do_everything() {
        let granted = granted(&AccessArgs::default(), &Tokens::default(), &HeaderMap::new(), None).unwrap();
        assert_eq!(granted, Granted::ANONYMOUS);
    }

    #[test]
    fn a_token_gives_its_role() {
        let ask = |value| {
            let headers = headers(&[(header::AUTHORIZATION, value)]);
            granted(&AccessArgs::default(), &tokens(), &headers, None).map(|granted| granted.role)
        };
        assert_eq!(ask("Bearer canary"), Ok(Role::Operate));
        assert_eq!(ask("bearer  canary "), Ok(Role::Operate));
        for wrong in ["Bearer canary2", "Bearer ", "Basic canary", "canary", "Bearer"] {
            assert_eq!(ask(wrong), Err(Refusal::NotAdmitted), "{wrong}");
        }
        let none = granted(&AccessArgs::default(), &tokens(), &HeaderMap::new(), None);
        assert_eq!(none, Err(Refusal::NotAdmitted));
    }

    #[test]
    fn only_a_trusted_proxy_names_roles() {
        let ask = |value: &[&'static str], peer: Option<[u8; 4]>| {
            let headers = value.iter().map(|value| (ROLE, HeaderValue::from_static(value))).fold(
                HeaderMap::new(),
                |mut headers, (name, value)| {
                    headers.append(name, value);
                    headers
                },
            );
            let peer = peer.map(|peer| Peer(IpAddr::from(peer)));
            granted(&behind_proxy(), &Tokens::default(), &headers, peer).map(|granted| granted.role)
        };
        let proxy = Some([10, 0, 0, 7]);
        assert_eq!(ask(&["read"], proxy), Ok(Role::Read));
        assert_eq!(ask(&["admin"], proxy), Ok(Role::Admin));
        // Whatever the proxy says.
        let two = [(header::AUTHORIZATION, "Bearer a"), (header::AUTHORIZATION, "Basic b"), (ROLE, "admin")];
        let mut headers = HeaderMap::new();
        for (name, value) in two {
            headers.append(name, HeaderValue::from_static(value));
        }
        let refused = granted(&behind_proxy(), &Tokens::default(), &headers, proxy.map(|ip| Peer(ip.into())));
        assert_eq!(refused, Err(Refusal::NotAdmitted));
        for (value, peer) in [
            (&["admin"][..], None),
            (&["admin"], Some([10, 0, 0, 8])),
            (&["admin"], Some([127, 0, 0, 1])),
            (&[], proxy),
            (&["root"], proxy),
            (&["admin", "read"], proxy),
        ] {
            assert_eq!(ask(value, peer), Err(Refusal::NotAdmitted), "{value:?} {peer:?}");
        }
    }
}

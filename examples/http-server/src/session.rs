//! One session per browser: whose AWS credentials a request acts with.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use helios_core::{HeliosClient, clock::SharedClock};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::refusal::Refusal;

const COOKIE: &str = "helios_session";
/// Behind HTTPS: browsers take a cookie of this name over HTTPS only, and from no other host of the same domain.
const HOST_COOKIE: &str = "__Host-helios_session";
const IDLE: SignedDuration = SignedDuration::from_mins(30);
const LIFETIME: SignedDuration = SignedDuration::from_hours(12);
const CAPACITY: usize = 1_000;
/// Of the same user or role: nobody takes all the places with one key.
const CAPACITY_OF_ONE: usize = 100;
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// What a browser keeps: 244 random bits that say nothing about what they stand for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(String);

impl SessionId {
    fn random() -> Self {
        Self(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))
    }

    /// The id that a request's cookie names.
    pub(crate) fn of(headers: &HeaderMap, secure: bool) -> Option<Self> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == name(secure))
            // Of two, one may be another site's below the same name: none of them is believed, and no session has this id.
            .map(|cookie| Self(cookie.value().to_owned()))
            .reduce(|_, _| Self(String::new()))
    }

    /// The header that gives this id to a browser.
    pub(crate) fn set_cookie(&self, secure: bool) -> Option<HeaderValue> {
        cookie(&self.0, secure, LIFETIME)
    }

    /// The header that takes whatever id a browser has.
    pub(crate) fn clear_cookie(secure: bool) -> Option<HeaderValue> {
        cookie("", secure, SignedDuration::ZERO)
    }
}

fn name(secure: bool) -> &'static str {
    if secure { HOST_COOKIE } else { COOKIE }
}

fn cookie(value: &str, secure: bool, age: SignedDuration) -> Option<HeaderValue> {
    let cookie = Cookie::build((name(secure), value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(secure)
        .max_age(cookie::time::Duration::seconds(age.as_secs()));
    let mut header = HeaderValue::try_from(cookie.to_string()).ok()?;
    header.set_sensitive(true);
    Some(header)
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(***)")
    }
}

/// The ARN of a user or role, as AWS says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity(pub(crate) String);

struct Session {
    client: HeliosClient,
    identity: Identity,
    opened: Timestamp,
    used: Timestamp,
}

impl Session {
    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.used) >= IDLE || now.duration_since(self.opened) >= LIFETIME
    }
}

/// All sessions of this process. A clone is the same store.
///
/// A session ends after 30 minutes without a request, and 12 hours after it began whatever happens.
#[derive(Clone)]
pub(crate) struct Sessions {
    sessions: Arc<Mutex<HashMap<SessionId, Session>>>,
    clock: SharedClock,
}

impl Sessions {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self { sessions: Arc::default(), clock }
    }

    /// Begins a session.
    ///
    /// # Errors
    ///
    /// If there are too many, of this identity or of all: nobody is logged out for it.
    pub(crate) fn open(&self, client: HeliosClient, identity: &str) -> Result<SessionId, Refusal> {
        let (id, now) = (SessionId::random(), self.clock.now());
        let mut sessions = self.lock();
        sessions.retain(|_, session| !session.is_over(now));
        if sessions.len() >= CAPACITY {
            return Err(Refusal::SessionsFull);
        }
        if sessions.values().filter(|session| session.identity.0 == identity).count() >= CAPACITY_OF_ONE {
            return Err(Refusal::TooManySessions);
        }
        let session = Session { client, identity: Identity(identity.to_owned()), opened: now, used: now };
        sessions.insert(id.clone(), session);
        Ok(id)
    }

    /// The client of a session that has not ended.
    pub(crate) fn client(&self, id: &SessionId) -> Option<HeliosClient> {
        let now = self.clock.now();
        let mut sessions = self.lock();
        let session = sessions.get_mut(id)?;
        if session.is_over(now) {
            sessions.remove(id);
            return None;
        }
        session.used = now;
        Some(session.client.clone())
    }

    /// Whose a session is that has not ended. To ask does not prolong it.
    pub(crate) fn identity(&self, id: &SessionId) -> Option<Identity> {
        let now = self.clock.now();
        self.lock().get(id).filter(|session| !session.is_over(now)).map(|session| session.identity.clone())
    }

    /// Ends a session.
    pub(crate) fn close(&self, id: &SessionId) {
        self.lock().remove(id);
    }

    /// Drops the credentials of ended sessions, also when nobody comes back for them, and does what is to be done besides. Never
    /// returns.
    pub(crate) async fn sweep(&self, besides: impl Fn()) {
        loop {
            self.clock.sleep(SWEEP_INTERVAL).await;
            let now = self.clock.now();
            self.lock().retain(|_, session| !session.is_over(now));
            besides();
        }
    }

    /// A panic elsewhere leaves no session half written.
    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("open", &self.lock().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::BoxFuture};
    use helios_core::{HeliosConfig, clock::Clock};

    use super::*;

    #[derive(Debug, Default)]
    struct TestClock(Mutex<Timestamp>);

    impl TestClock {
        fn advance(&self, by: SignedDuration) {
            *self.0.lock().unwrap() += by;
        }
    }

    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        /// Time passes once, then stands still.
        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            if self.now() > Timestamp::UNIX_EPOCH {
                return std::future::pending().boxed();
            }
            self.advance(SignedDuration::try_from(duration).unwrap() + IDLE);
            std::future::ready(()).boxed()
        }
    }

    fn client() -> HeliosClient {
        let settings = [("clickhouse_url", "http://127.0.0.1:9")];
        HeliosClient::from_config(HeliosConfig::from_map(settings).unwrap()).unwrap()
    }

    fn sessions() -> (Sessions, Arc<TestClock>) {
        let clock = Arc::new(TestClock::default());
        let shared: SharedClock = Arc::<TestClock>::clone(&clock);
        (Sessions::new(shared), clock)
    }

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    #[test]
    fn ends_after_half_an_hour_unused() {
        let (sessions, clock) = sessions();
        let id = sessions.open(client(), "ann").unwrap();
        clock.advance(IDLE - SECOND);
        assert!(sessions.client(&id).is_some());
        clock.advance(IDLE - SECOND);
        assert!(sessions.client(&id).is_some(), "use prolongs it");
        clock.advance(IDLE - SECOND);
        assert_eq!(sessions.identity(&id), Some(Identity("ann".to_owned())));
        clock.advance(SECOND);
        assert_eq!(sessions.identity(&id), None, "to ask whose it is does not");
        assert!(sessions.client(&id).is_none());
    }

    #[test]
    fn ends_after_twelve_hours_however_used() {
        let (sessions, clock) = sessions();
        let id = sessions.open(client(), "ann").unwrap();
        for _ in 0..12 * 6 - 1 {
            clock.advance(SignedDuration::from_mins(10));
            assert!(sessions.client(&id).is_some());
        }
        clock.advance(SignedDuration::from_mins(10));
        assert!(sessions.client(&id).is_none());
    }

    #[test]
    fn sweeping_drops_what_nobody_asks_for() {
        let (sessions, _clock) = sessions();
        sessions.open(client(), "ann").unwrap();
        assert!(sessions.sweep(|| {}).now_or_never().is_none(), "never returns");
        assert_eq!(sessions.lock().len(), 0);
    }

    #[test]
    fn at_capacity_nobody_is_logged_out() {
        let (sessions, clock) = sessions();
        let client = client();
        let ids: Vec<_> =
            (0..CAPACITY).map(|number| sessions.open(client.clone(), &number.to_string()).unwrap()).collect();
        assert_eq!(sessions.open(client.clone(), "another"), Err(Refusal::SessionsFull));
        assert!(ids.iter().all(|id| sessions.client(id).is_some()));
        sessions.close(&ids[0]);
        sessions.open(client.clone(), "another").unwrap();
        clock.advance(IDLE);
        sessions.open(client, "after those that have ended").unwrap();
        assert_eq!(sessions.lock().len(), 1);
    }

    #[test]
    fn one_key_does_not_take_all_places() {
        let (sessions, _clock) = sessions();
        let client = client();
        let first = sessions.open(client.clone(), "ann").unwrap();
        for _ in 1..CAPACITY_OF_ONE {
            sessions.open(client.clone(), "ann").unwrap();
        }
        assert_eq!(sessions.open(client.clone(), "ann"), Err(Refusal::TooManySessions));
        assert!(sessions.client(&first).is_some());
        sessions.open(client, "bob").unwrap();
    }

    #[test]
    fn a_closed_session_is_gone() {
        let (sessions, _clock) = sessions();
        let id = sessions.open(client(), "ann").unwrap();
        sessions.close(&id);
        assert!(sessions.client(&id).is_none());
    }

    #[test]
    fn the_cookie_is_for_this_server_only() {
        let id = SessionId("abc".to_owned());
        let header = id.set_cookie(false).unwrap();
        assert_eq!(header, "helios_session=abc; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200");
        assert!(header.is_sensitive());
        let secure = id.set_cookie(true).unwrap();
        assert_eq!(
            secure,
            "__Host-helios_session=abc; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=43200"
        );
        assert!(SessionId::clear_cookie(false).unwrap().to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(SessionId::of(&headers, false), None);
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; broken; other_helios_session=x"));
        headers.append(header::COOKIE, HeaderValue::from_static("c=d; helios_session=abc"));
        assert_eq!(SessionId::of(&headers, false), Some(SessionId("abc".to_owned())));
        // Another host of the domain may have set it.
        assert_eq!(SessionId::of(&headers, true), None);
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-helios_session=def"));
        assert_eq!(SessionId::of(&headers, true), Some(SessionId("def".to_owned())));
        headers.append(header::COOKIE, HeaderValue::from_static("helios_session=abc"));
        assert_eq!(SessionId::of(&headers, false), Some(SessionId(String::new())));
    }

    #[test]
    fn ids_are_long_and_never_shown() {
        let (a, b) = (SessionId::random(), SessionId::random());
        assert_ne!(a, b);
        assert_eq!(a.0.len(), 64);
        assert!(!format!("{a:?}").contains(&a.0));
    }
}

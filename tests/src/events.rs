//! Realistic events, the same ones for the same seed.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

const TYPES: &[(&str, u64)] =
    &[("page_view", 55), ("click", 20), ("search", 10), ("add_to_cart", 8), ("purchase", 4), ("login", 3)];
const COUNTRIES: &[&str] = &["DE", "FR", "US", "JP", "BR", "IN", "SE", "ES"];
const DEVICES: &[&str] = &["desktop", "mobile", "tablet"];
const PAGES: &[&str] = &["/", "/pricing", "/docs", "/cart", "/account", "/blog/2026/release-notes"];

/// One event as a producer would put it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The partition key.
    pub key: String,
    /// What is put.
    pub data: Vec<u8>,
    /// What is wrong with it.
    pub malformed: Option<Malformed>,
}

/// How an event can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The JSON ends in the middle.
    Truncated,
    /// A value of another type than in all other events.
    WrongType,
    /// JSON, but no object.
    NoObject,
    /// A byte that is not UTF-8.
    InvalidUtf8,
}

/// What people do on a web shop. `malformed_percent` of the events are broken, none of the first tenth.
#[must_use]
pub fn user_activity(count: usize, malformed_percent: u32, seed: u64) -> Vec<Event> {
    let mut random = SplitMix(seed);
    let start = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_795_000_000);
    (0..count)
        .map(|index| {
            let user = 1_000 + random.below(5_000);
            let time = start + SignedDuration::from_millis(i64::try_from(index).unwrap_or(i64::MAX) * 137);
            let event = user_event(&mut random, user, time);
            let broken = index >= count / 10 && random.below(100) < u64::from(malformed_percent);
            let malformed = broken.then(|| {
                random.pick(&[
                    Malformed::Truncated,
                    Malformed::WrongType,
                    Malformed::NoObject,
                    Malformed::InvalidUtf8,
                ])
            });
            Event { key: user.to_string(), data: write(event, malformed), malformed }
        })
        .collect()
}

fn user_event(random: &mut SplitMix, user: u64, time: Timestamp) -> Value {
    let event_type = random.weighted(TYPES);
    let mut event = json!({
        "event_id": Uuid::from_u64_pair(random.next(), random.next()),
        "event_type": event_type,
        "user_id": user,
        "session_id": Uuid::from_u64_pair(user, random.below(3)),
        "timestamp": format!("{time:.3}"),
        "country": random.pick(COUNTRIES),
        "is_mobile": random.below(2) == 0,
        "properties": {
            "page": random.pick(PAGES),
            "device": { "type": random.pick(DEVICES), "width": 320 + random.below(16) * 100 },
        },
    });
    if random.below(3) == 0 {
        event["referrer"] = json!(format!("https://example.com/{}", random.below(50)));
    }
    match event_type {
        "purchase" => {
            event["properties"]["items"] = json!([{ "sku": format!("SKU-{:04}", random.below(2_000)), "quantity": 1 + random.below(4) }]);
            event["properties"]["currency"] = json!("EUR");
        }
        "search" => event["properties"]["query"] = json!(format!("thing \"{}\" – größer", random.below(100))),
        _ => {}
    }
    event
}

fn write(mut event: Value, malformed: Option<Malformed>) -> Vec<u8> {
    match malformed {
        None => event.to_string().into_bytes(),
        Some(Malformed::Truncated) => {
            let mut data = event.to_string().into_bytes();
            data.truncate(data.len() / 2);
            data
        }
        Some(Malformed::WrongType) => {
            event["user_id"] = json!("somebody");
            event.to_string().into_bytes()
        }
        Some(Malformed::NoObject) => json!([event["event_type"], event["user_id"]]).to_string().into_bytes(),
        Some(Malformed::InvalidUtf8) => {
            let mut data = event.to_string().into_bytes();
            if let Some(byte) = data.iter_mut().find(|byte| byte.is_ascii_lowercase()) {
                *byte = 0xff;
            }
            data
        }
    }
}

/// Sebastiano Vigna's `SplitMix64`: enough chance for test data, and the same on every machine.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices[index]
    }

    fn weighted(&mut self, choices: &[(&'static str, u64)]) -> &'static str {
        let mut rest = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for &(choice, weight) in choices {
            match rest.checked_sub(weight) {
                Some(left) => rest = left,
                None => return choice,
            }
        }
        choices[0].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_events() {
        assert_eq!(user_activity(500, 2, 7), user_activity(500, 2, 7));
        assert_ne!(user_activity(500, 2, 7), user_activity(500, 2, 8));
    }

    #[test]
    fn exactly_the_malformed_ones_are_no_valid_events() {
        let events = user_activity(5_000, 5, 1);
        assert!(events.iter().filter(|event| event.malformed.is_some()).count() > 100);
        for event in &events {
            let parsed = serde_json::from_slice::<Value>(&event.data);
            let valid = parsed.is_ok_and(|value| value.is_object() && value["user_id"].is_u64());
            assert_eq!(valid, event.malformed.is_none(), "{}", String::from_utf8_lossy(&event.data));
        }
    }
}

//! Realistic user activity, the same for the same seed.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::Random;

/// One event to put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedEvent {
    /// The partition key: the user.
    pub key: String,
    /// The bytes, a JSON object unless malformed.
    pub data: Vec<u8>,
    /// What is wrong with it, if anything.
    pub malformed: Option<Malformed>,
}

impl GeneratedEvent {
    /// Whether it is a JSON object of the shape all good events share.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.malformed.is_none()
    }
}

/// The ways in which an event can be malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// JSON that ends in the middle.
    Truncated,
    /// JSON, but a text, a number or the like. A list would be several events.
    NotAnObject,
    /// A byte that no text has.
    InvalidUtf8,
    /// A text where all others have a number.
    WrongType,
}

impl Malformed {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Truncated, Self::NotAnObject, Self::InvalidUtf8, Self::WrongType];

    fn spoil(self, mut event: Map<String, Value>, random: &mut Random) -> Vec<u8> {
        match self {
            Self::Truncated => {
                let mut bytes = Value::Object(event).to_string().into_bytes();
                bytes.truncate(bytes.len() / 2);
                bytes
            }
            Self::NotAnObject => random.one_of(&[&b"true"[..], b"\"page_view\"", b"42", b"null"]).to_vec(),
            Self::InvalidUtf8 => {
                let mut bytes = Value::Object(event).to_string().into_bytes();
                // Inside the event's id, so that only the text is wrong, not the JSON around it.
                if let Some(byte) = bytes.get_mut(20) {
                    *byte = 0xff;
                }
                bytes
            }
            Self::WrongType => {
                event.insert("user_id".into(), json!(format!("user-{}", random.below(1000))));
                Value::Object(event).to_string().into_bytes()
            }
        }
    }
}

/// How many events at the start are never of the wrong type: a schema from a sample of them is that of the good events.
const SAMPLED_FIRST: usize = 1_000;

const START: Timestamp = Timestamp::constant(1_768_464_000, 0);
const PAGES: [&str; 6] = ["/", "/search", "/products", "/cart", "/checkout", "/account"];
const BROWSERS: [&str; 4] = ["Firefox", "Chrome", "Safari", "Edge"];
const PLACES: [(&str, &str, f64, f64); 5] = [
    ("DE", "Köln", 50.9375, 6.9603),
    ("FR", "Paris", 48.8566, 2.3522),
    ("JP", "東京", 35.6762, 139.6503),
    ("US", "New York", 40.7128, -74.006),
    ("BR", "São Paulo", -23.5505, -46.6333),
];

/// `count` events of some five hundred bytes each, one every 25 ms from 2026-01-15 08:00 UTC on, of which
/// `malformed_share` (0 to 1) are malformed, all kinds equally often.
#[must_use]
pub fn generate(count: usize, seed: u64, malformed_share: f64) -> Vec<GeneratedEvent> {
    let mut random = Random::new(seed);
    let mut kinds = Malformed::ALL.into_iter().cycle();
    let (mut time, mut owed) = (START, 0.0);
    (0..count)
        .map(|index| {
            time += SignedDuration::from_millis(25);
            let user = 100_000 + random.below(5_000);
            let event = activity(&mut random, user, time);
            owed += malformed_share;
            let malformed = if owed >= 1.0 {
                owed -= 1.0;
                kinds.by_ref().find(|kind| index >= SAMPLED_FIRST || *kind != Malformed::WrongType)
            } else {
                None
            };
            let data = match malformed {
                Some(kind) => kind.spoil(event, &mut random),
                None => Value::Object(event).to_string().into_bytes(),
            };
            GeneratedEvent { key: user.to_string(), data, malformed }
        })
        .collect()
}

fn activity(random: &mut Random, user: u64, time: Timestamp) -> Map<String, Value> {
    let kind = *random.one_of(&[
        "page_view",
        "page_view",
        "page_view",
        "click",
        "search",
        "add_to_cart",
        "purchase",
    ]);
    let (country, city, latitude, longitude) = *random.one_of(&PLACES);
    let mut properties = Map::new();
    properties.insert("page".into(), json!(random.one_of(&PAGES)));
    properties.insert("duration_ms".into(), json!(random.below(60_000)));
    if random.below(3) == 0 {
        properties.insert("referrer".into(), json!("https://search.example/?q=\"shoes\""));
    }
    if kind == "search" {
        properties.insert("query".into(), json!(random.one_of(&["red shoes", "größe 42", "靴", "50% off"])));
    }
    if matches!(kind, "add_to_cart" | "purchase") {
        properties.insert("items".into(), (0..=random.below(3)).map(|_| item(random)).collect());
    }

    let mut event = Map::new();
    event.insert("event_id".into(), json!(random.uuid()));
    event.insert("user_id".into(), json!(user));
    // Some hundred sessions, as one user sends many events.
    event.insert("session_id".into(), json!(Random::new(user).uuid()));
    event.insert("event_type".into(), json!(kind));
    event.insert("timestamp".into(), json!(format!("{time:.3}")));
    event.insert("is_premium".into(), json!(user.is_multiple_of(7)));
    event.insert("properties".into(), Value::Object(properties));
    event.insert(
        "device".into(),
        json!({
            "type": random.one_of(&["mobile", "desktop", "tablet"]),
            "browser": random.one_of(&BROWSERS),
            "version": format!("{}.{}", random.below(20) + 100, random.below(10)),
        }),
    );
    event.insert(
        "geo".into(),
        json!({"country": country, "city": city, "latitude": latitude, "longitude": longitude}),
    );
    if kind == "purchase" {
        event.insert("amount".into(), json!(random.price()));
        event.insert("currency".into(), json!("EUR"));
    }
    if random.below(4) == 0 {
        event.insert("experiment".into(), random.one_of(&[Value::Null, json!("A"), json!("B")]).clone());
    }
    event
}

fn item(random: &mut Random) -> Value {
    json!({
        "sku": format!("SKU-{:05}", random.below(10_000)),
        "quantity": 1 + random.below(5),
        "price": random.price(),
    })
}

/// What events are made of.
impl Random {
    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = self.below(choices.len() as u64);
        &choices[usize::try_from(index).unwrap_or_default()]
    }

    pub(crate) fn price(&mut self) -> f64 {
        (100 + self.below(50_000)) as f64 / 100.0
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(
            (u128::from(self.number()) << 64 | u128::from(self.number())).to_be_bytes(),
        )
        .into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_events() {
        assert_eq!(generate(500, 7, 0.1), generate(500, 7, 0.1));
        assert_ne!(generate(500, 7, 0.1), generate(500, 8, 0.1));
    }

    #[test]
    fn good_events_are_objects_of_one_shape() {
        for event in generate(2_000, 1, 0.0) {
            assert!(event.is_good());
            let value: Value = serde_json::from_slice(&event.data).unwrap();
            assert_eq!(value["user_id"].to_string(), event.key);
            assert!(value["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{value}");
            assert!(value["properties"].is_object() && value["geo"]["latitude"].is_number(), "{value}");
            assert_eq!(value["event_type"] == "purchase", value["amount"].is_number(), "{value}");
        }
    }

    #[test]
    fn malformed_events_are_what_they_say() {
        let events = generate(4_000, 3, 0.05);
        let malformed: Vec<_> =
            events.iter().filter_map(|event| Some((event.malformed?, &event.data))).collect();
        assert_eq!(malformed.len(), 200);
        for (kind, data) in malformed {
            let parsed = serde_json::from_slice::<Value>(data);
            let text = String::from_utf8_lossy(data);
            match kind {
                Malformed::Truncated => assert!(parsed.unwrap_err().is_eof(), "{text}"),
                Malformed::NotAnObject => assert!(!parsed.unwrap().is_object(), "{text}"),
                Malformed::InvalidUtf8 => {
                    assert!(parsed.is_err() && std::str::from_utf8(data).is_err(), "{text}");
                }
                Malformed::WrongType => assert!(parsed.unwrap()["user_id"].is_string(), "{text}"),
            }
        }
        assert!(Malformed::ALL.iter().all(|kind| events.iter().any(|event| event.malformed == Some(*kind))));
        assert!(!events[..SAMPLED_FIRST].iter().any(|event| event.malformed == Some(Malformed::WrongType)));
    }
}

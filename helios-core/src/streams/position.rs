//! Where in a stream to start reading.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::Error;

/// Where in a stream to start reading.
///
/// As text, and so on the wire: `"oldest"`, `"now"`, or an ISO 8601 time with its offset (`"2026-01-31T12:00:00Z"`).
/// Kinesis' own words `"TRIM_HORIZON"` and `"LATEST"` are read too, in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub enum Position {
    /// The oldest event the stream still keeps.
    Oldest,
    /// What arrives from now on.
    Now,
    /// What arrived at this time or later.
    At(Timestamp),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oldest => f.write_str("oldest"),
            Self::Now => f.write_str("now"),
            Self::At(time) => time.fmt(f),
        }
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.eq_ignore_ascii_case("oldest") || text.eq_ignore_ascii_case("TRIM_HORIZON") {
            return Ok(Self::Oldest);
        }
        if text.eq_ignore_ascii_case("now") || text.eq_ignore_ascii_case("LATEST") {
            return Ok(Self::Now);
        }
        text.parse().map(Self::At).map_err(|cause: jiff::Error| {
            Error::invalid_input(
                "a position is \"oldest\", \"now\" or an ISO 8601 time with its offset, such as 2026-01-31T12:00:00Z",
            )
            .with("position", text)
            .caused_by(cause)
        })
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| D::Error::custom(error.text()))
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn reads_its_own_words_and_those_of_kinesis() {
        for (text, position) in [
            ("oldest", Position::Oldest),
            ("TRIM_HORIZON", Position::Oldest),
            ("now", Position::Now),
            ("latest", Position::Now),
            ("2026-01-31T12:00:00Z", Position::At("2026-01-31T12:00:00Z".parse().unwrap())),
            ("2026-01-31T13:00:00.5+01:00", Position::At("2026-01-31T12:00:00.5Z".parse().unwrap())),
        ] {
            assert_eq!(text.parse::<Position>().unwrap(), position, "{text}");
        }
    }

    #[test]
    fn the_written_form_reads_back() {
        for position in [Position::Oldest, Position::Now, Position::At(Timestamp::UNIX_EPOCH)] {
            let json = serde_json::to_string(&position).unwrap();
            assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), position, "{json}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", " oldest", "yesterday", "2026-01-31", "2026-01-31T12:00:00", "1769860800"] {
            let error = text.parse::<Position>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
            assert!(error.to_string().contains("\"oldest\""), "{error}");
        }
        assert!(serde_json::from_str::<Position>("5").is_err());
        let error = serde_json::from_str::<Position>("\"yesterday\"").unwrap_err().to_string();
        assert!(error.starts_with("a position is \"oldest\""), "{error}");
    }
}

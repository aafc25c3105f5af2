//! JSON in, JSON out.

use std::{ffi::CString, ffi::c_char};

use helios_core::{Error, ErrorKind};
use serde::{Serialize, de::DeserializeOwned};

use crate::{error::Failure, text::c_text};

/// Options from their JSON object; the defaults for NULL.
pub(crate) fn options<T: DeserializeOwned + Default>(
    text: Option<&str>,
    argument: &'static str,
) -> Result<T, Failure> {
    text.map_or_else(|| Ok(T::default()), |text| object(text, argument))
}

/// A value from its JSON object. What does not fit is named; what stands there is not repeated where it may be a secret.
pub(crate) fn object<T: DeserializeOwned>(text: &str, argument: &'static str) -> Result<T, Failure> {
    let bad = |why: String| Error::new(ErrorKind::InvalidInput, format!("`{argument}` {why}"));
    // Not left to serde, whose message would repeat the value.
    if !text.trim_start().starts_with('{') {
        return Err(bad("is not a JSON object".to_owned()).into());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if !error.is_data() {
            bad(format!("is not valid JSON: {error}"))
        } else if path == "." {
            bad(format!("does not fit: {error}"))
        } else {
            bad(format!("does not fit at `{path}`: {error}"))
        }
    })?;
    reader.end().map_err(|error| bad(format!("is not one JSON object: {error}")))?;
    Ok(value)
}

/// An answer as JSON, to be freed by `helios_string_free`.
pub(crate) fn answer(value: &impl Serialize) -> Result<*mut c_char, Failure> {
    let json = serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the answer cannot be written as JSON").caused_by(error)
    })?;
    Ok(c_text(json).into_raw())
}

/// An answer that is JSON already.
pub(crate) fn written(json: Vec<u8>) -> Result<*mut c_char, Failure> {
    // JSON escapes the NULs of its texts, so there is none in it.
    let json = CString::new(json).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the answer is no JSON: it holds a NUL").caused_by(error)
    })?;
    Ok(json.into_raw())
}

#[cfg(test)]
mod tests {
    use helios_core::streams::CredentialsRequest;

    use super::*;

    fn refused(text: &str) -> String {
        match object::<CredentialsRequest>(text, "credentials_json") {
            Err(Failure::Operation(error)) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                error.text().into_owned()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (text, says) in [
            ("", "is not a JSON object"),
            ("null", "is not a JSON object"),
            ("{", "is not valid JSON: EOF while parsing an object at line 1 column 1"),
            ("{} {}", "is not one JSON object: trailing characters at line 1 column 4"),
            ("{\"acessKey\": \"a\"}", "unknown field `acessKey`"),
            ("{\"region\": 1}", "does not fit at `region`: invalid type: integer `1`, expected a string"),
        ] {
            let error = refused(text);
            assert!(error.starts_with("`credentials_json` ") && error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn no_secret_is_repeated() {
        for text in [
            "\"canary\"",
            "{\"accessKey\": \"AKIAX\", \"secretKey\": [\"canary\"]}",
            "{\"accessKey\": \"AKIAX\", \"secretKey\": {\"canary\": \"canary\"}}",
            "{\"accessKey\": \"AKIAX\", \"secretKey\": \"canary\", \"sessionToken\": canary}",
            "{\"accessKey\": \"AKIAX\", \"secretKey\": \"canary}",
            "{\"accessKey\": \"AKIAX\", \"secretKey\": \"canary\", \"secretkey\": \"canary\"}",
            "{\"secretKey\": \"canary\", \"region\": 7}",
            "{\"secretKey\": \"canary\"} canary",
        ] {
            let error = refused(text);
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
